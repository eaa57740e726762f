using System.Buffers;
using System.IO.Pipelines;

namespace Mvedsua.Coordinator.Control;

/// <summary>Splits a stream into lines of at most <see cref="ControlProtocol.MaxLine"/> bytes. Not thread-safe.</summary>
public sealed class LineReader(Stream stream)
{
    private readonly PipeReader _pipe = PipeReader.Create(stream, new StreamPipeReaderOptions(leaveOpen: true));

    /// <summary>The next line without its newline; null at the end. An unfinished last line counts as the end: its
    /// sender died in the middle of it.</summary>
    /// <exception cref="InvalidDataException">The line is too long.</exception>
    public async Task<byte[]?> ReadAsync(CancellationToken cancel)
    {
        while (true)
        {
            var result = await _pipe.ReadAsync(cancel).ConfigureAwait(false);
            if (result.Buffer.PositionOf((byte)'\n') is { } end)
            {
                var line = result.Buffer.Slice(0, end).ToArray();
                _pipe.AdvanceTo(result.Buffer.GetPosition(1, end));
                return line;
            }

            if (result.Buffer.Length > ControlProtocol.MaxLine)
                throw new InvalidDataException($"a line of more than {ControlProtocol.MaxLine} bytes");
            _pipe.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            if (result.IsCompleted) return null;
        }
    }
}

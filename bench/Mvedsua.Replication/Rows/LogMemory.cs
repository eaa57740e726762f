using Mvedsua.Replication.Measuring;

namespace Mvedsua.Replication.Rows;

/// <summary>Watches the memory that a session's memfd holds, through the leader's descriptor of it.</summary>
internal sealed class LogMemory : IDisposable
{
    private const int EveryMilliseconds = 10;
    private readonly FileStream _file;
    private readonly Timer _timer;
    private readonly Lock _lock = new();
    private readonly List<double> _peaks = [];
    private double _peak;
    private bool _watching;

    internal LogMemory(int leader)
    {
        var link = Directory.EnumerateFiles($"/proc/{leader}/fd").FirstOrDefault(f => File.ResolveLinkTarget(f, false)?.Name.StartsWith("memfd:", StringComparison.Ordinal) ?? false)
            ?? throw new BenchException("the leader has no session memory");
        _file = new FileStream(link, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        _timer = new Timer(_ => Look(), null, 0, EveryMilliseconds);
    }

    /// <summary>Bytes; one peak for each time between <see cref="Begin"/> and <see cref="End"/>.</summary>
    internal IReadOnlyList<double> Peaks => _peaks;

    internal void Begin()
    {
        lock (_lock) (_watching, _peak) = (true, 0);
    }

    internal void End()
    {
        Look();
        lock (_lock)
        {
            _watching = false;
            _peaks.Add(_peak);
        }
    }

    public void Dispose()
    {
        _timer.Dispose();
        _file.Dispose();
    }

    private void Look()
    {
        lock (_lock)
        {
            if (_watching) _peak = Math.Max(_peak, Held());
        }
    }

    private double Held() => FileBlocks.Of(_file.SafeFileHandle) * 512.0;
}

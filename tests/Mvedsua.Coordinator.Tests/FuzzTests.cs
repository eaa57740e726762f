using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading.Channels;
using CsCheck;
using Microsoft.Extensions.Logging.Abstractions;
using Mvedsua.Abi;
using Mvedsua.Abi.Calls;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Reports;
using Mvedsua.Coordinator.Requests;
using Mvedsua.Coordinator.Sessions;
using Mvedsua.Tests;

namespace Mvedsua.Coordinator.Tests;

/// <summary>What comes over the control socket, from a session's folder and from the control block may be anything.</summary>
public sealed class FuzzTests
{
    private sealed class NoSession : IControlled
    {
        public Task<SessionStatus> StatusAsync() => throw new InvalidOperationException("no state");
        public Task<ControlReply> FollowAsync() => Task.FromResult(new ControlReply(true, Message: "followed"));
        public Task<ControlReply> UnfollowAsync(int pid, bool all) => Task.FromResult(new ControlReply(true, Message: "unfollowed"));
        public Task<ControlReply> PromoteAsync(int pid, TimeSpan? wait, CancellationToken hangUp) => Task.FromResult(new ControlReply(true, Message: "promoted"));

        public ChannelReader<ControlReply> Update(UpdateOrder order, CancellationToken hangUp)
        {
            var lines = Channel.CreateUnbounded<ControlReply>();
            lines.Writer.TryEnd(new ControlReply(true, Message: "updated"));
            return lines.Reader;
        }

        public Task<ControlReply> CommitAsync() => Task.FromResult(new ControlReply(true, Message: "committed"));
        public Task<ControlReply> RollbackAsync() => Task.FromResult(new ControlReply(true, Message: "rolled back"));
        public Task<DivergenceReport?> LastReportAsync() => Task.FromResult<DivergenceReport?>(null);

        public async IAsyncEnumerable<TraceEvent> TraceAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
        {
            await Task.CompletedTask;
            yield break;
        }
    }

    private static readonly Gen<byte[]> Request = Gen.OneOf(
        Fuzzing.OneOf("status", "watch", "follow", "unfollow", "promote", "update", "commit", "rollback", "trace", "report", "x").Select(verb => ControlProtocol.Encode(new ControlRequest(verb))),
        Fuzzing.OneOf("{}", "null", "[]", "{\"verb\":null,\"protocol\":1}", "{\"verb\":[1]}", "{\"protocol\":1e99}", "\ufeff{}", "").Select(text => Encoding.UTF8.GetBytes(text + "\n")));

    [Fact]
    public async Task Any_request_is_answered_or_refused_and_the_next_one_is_served()
    {
        var path = Path.Combine(Directory.CreateTempSubdirectory("mvedsua-fuzz-").FullName, "control.sock");
        var server = new ControlServer(path, NullLogger.Instance);
        var running = server.RunAsync(new NoSession());
        await Gen.OneOf(Request, Fuzzing.Damaged(Request), Gen.Byte.Array[0, 200]).SampleAsync(async bytes =>
        {
            var answer = await Ask(path, bytes);
            if (answer.Length > 0) Assert.NotNull(System.Text.Json.JsonSerializer.Deserialize(answer, ControlJson.Default.ControlReply));
            var next = await Ask(path, ControlProtocol.Encode(new ControlRequest(ControlVerb.Follow)));
            Assert.Contains("followed", next, StringComparison.Ordinal);
        }, time: Fuzzing.Seconds, threads: 1);
        server.Dispose();
        await running;
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }

    /// <summary>The first line of the answer; empty: none. Having written, the client says so: a request without an end ends
    /// there, and a stream of replies too.</summary>
    private static async Task<string> Ask(string path, byte[] request)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path));
        await socket.SendAsync(request);
        socket.Shutdown(SocketShutdown.Send);
        var answer = new MemoryStream();
        var buffer = new byte[65536];
        for (int read; (read = await socket.ReceiveAsync(buffer).WaitAsync(LiveSession.Patience)) > 0;) answer.Write(buffer, 0, read);
        return Encoding.UTF8.GetString(answer.ToArray()).Split('\n')[0];
    }

    [Fact]
    public async Task Lines_come_whole_however_the_stream_is_cut()
    {
        await Gen.Select(Gen.Byte.Array[0, 300], Gen.Int[1, 40]).SampleAsync(async (bytes, step) =>
        {
            var reader = new LineReader(new Pieces(bytes, step));
            var rest = bytes.AsMemory();
            while (await reader.ReadAsync(default) is { } line)
            {
                var end = rest.Span.IndexOf((byte)'\n');
                Assert.Equal(rest[..end].ToArray(), line);
                rest = rest[(end + 1)..];
            }

            Assert.Equal(-1, rest.Span.IndexOf((byte)'\n'));
        }, time: Fuzzing.Seconds, threads: 1);
    }

    private sealed class Pieces(byte[] bytes, int step) : MemoryStream(bytes)
    {
        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(step, buffer.Length)]);
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(Read(buffer.Span));
    }

    [Fact]
    public void A_damaged_session_file_counts_as_none()
    {
        var name = $"fuzz-{Environment.ProcessId}";
        SessionDirectory.EnsureRoot(); /* private, whichever test comes first */
        Directory.CreateDirectory(SessionDirectory.PathOf(name));
        try
        {
            new SessionFile(name, ["redis-server", "--port", "1"], [new ProcessIdentity(1, 5), new ProcessIdentity(2, 6)], 77, DateTimeOffset.UnixEpoch).Save();
            var whole = File.ReadAllBytes(SessionFile.PathOf(name));
            var sound = 0;
            var parts = Fuzzing.OneOf("{}", "null", "{\"name\":\"x\"}", "{\"name\":\"x\",\"command\":[],\"processes\":null}", "[]", "{\"processes\":[{}]}",
                "{\"name\":\"x\",\"command\":[null],\"processes\":[]}").Select(Encoding.UTF8.GetBytes);
            Gen.OneOf(parts, Fuzzing.Damaged(Gen.Const(whole))).SampleUntil(bytes =>
            {
                File.WriteAllBytes(SessionFile.PathOf(name), bytes);
                if (SessionFile.Load(name) is not { } file) return;
                Assert.NotEmpty(string.Join(' ', [file.Name, .. file.Command]));
                Assert.All(file.Command, Assert.NotNull);
                _ = SessionSurvivor.Of(file);
                sound++;
            }, () => sound > 0, Fuzzing.Seconds);
            Assert.True(sound > 0);
        }
        finally
        {
            Directory.Delete(SessionDirectory.PathOf(name), recursive: true);
        }
    }

    [Fact]
    public void A_damaged_copy_of_an_event_is_none_or_is_printed()
    {
        var record = Gen.Select(Gen.Byte.Array[0, 8], Gen.OneOf(Gen.UInt[0, 200], Fuzzing.AwkwardNumber.Select(n => (uint)n)), Fuzzing.AwkwardNumber, Gen.Bool, Seal);
        Gen.OneOf(record, Fuzzing.Damaged(record)).Sample(bytes =>
        {
            if (RecordedEvent.From(bytes) is not { } e) return;
            _ = Tracing.EventDecoder.Decode(0, 1, e.Sequence, e.Call, e.Arguments, e.Result, e.InPayload, e.OutPayload, CallFormatOptions.Default, e.IsCut);
        }, time: Fuzzing.Seconds, threads: 1);
    }

    /// <summary>A record with a check that agrees, and sizes that do.</summary>
    private static byte[] Seal(byte[] payload, uint inSize, ulong number, bool call)
    {
        var header = new MvEvent { Call = call ? (ushort)(number % 480) : (ushort)(0x8000 + number % 8), Result = (long)number, InSize = inSize & ~7u };
        unsafe
        {
            var size = (uint)sizeof(MvEvent) + header.InSize;
            header.Size = size < header.InSize ? uint.MaxValue & ~7u : size + (uint)(number % 5) * 8;
            header.OutSize = header.Size - (uint)sizeof(MvEvent) - header.InSize;
            for (var i = 0; i < 6; i++) header.Args[i] = number >> i;
        }

        header.Check = LogChecks.OfEvent(in header);
        return [.. MemoryMarshal.AsBytes(new ReadOnlySpan<MvEvent>(in header)), .. payload];
    }
}

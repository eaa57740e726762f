using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Coordinator.Requests;

/// <summary>What the control socket can ask of a session. Every method may be called from any thread.</summary>
internal interface IControlled
{
    /// <summary>The state now.</summary>
    Task<SessionStatus> StatusAsync();

    /// <summary>Asks the leader for a change of roles.</summary>
    Task<ControlReply> FollowAsync();

    /// <summary>Asks the leader to end a follower.</summary>
    /// <param name="pid">Which one; 0: the only one.</param>
    /// <param name="all">All of them.</param>
    Task<ControlReply> UnfollowAsync(int pid, bool all);

    /// <summary>Asks the leader to change places with a follower.</summary>
    /// <param name="pid">Which one; 0: the only one.</param>
    /// <param name="wait">How long it is waited for while it is behind; null: <see cref="PromotionPatience.Usual"/>.</param>
    /// <param name="hangUp">Nobody listens any more: it is not asked to lead.</param>
    Task<ControlReply> PromoteAsync(int pid, TimeSpan? wait, CancellationToken hangUp);

    /// <summary>Makes a follower that runs another version, and what else is asked for. The last reply is the outcome.</summary>
    /// <param name="order">What is asked for.</param>
    /// <param name="hangUp">Nobody listens any more: nothing more is begun.</param>
    ChannelReader<ControlReply> Update(UpdateOrder order, CancellationToken hangUp);

    /// <summary>Ends the old version, which follows.</summary>
    Task<ControlReply> CommitAsync();

    /// <summary>Ends the new version.</summary>
    Task<ControlReply> RollbackAsync();

    /// <summary>The leader's calls as they happen.</summary>
    IAsyncEnumerable<TraceEvent> TraceAsync(CancellationToken cancel);

    /// <summary>The last report, once one that is being made is there; null: none.</summary>
    Task<DivergenceReport?> LastReportAsync();
}

/// <summary>The coordinator's end of control.sock: one request a connection, newline-delimited JSON.</summary>
internal sealed partial class ControlServer : IDisposable
{
    private const int LongestRequest = 64 << 10;
    private static readonly TimeSpan WatchInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan RequestTime = TimeSpan.FromSeconds(10); /* for a client to say what it wants */
    private readonly ILogger _log;
    private readonly Socket _listener;
    private readonly CancellationTokenSource _closing = new();

    private IControlled _session = null!; /* from RunAsync on */

    /// <summary>Listens on that path, which must be free or left over; who connects waits until <see cref="RunAsync"/>.</summary>
    internal ControlServer(string path, ILogger log)
    {
        _log = log;
        File.Delete(path);
        _listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        /* The directory keeps others out already; between bind and chmod nobody can connect: it doesn't listen yet. */
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        _listener.Listen(16);
    }

    /// <summary>Serves this session until disposed.</summary>
    internal async Task RunAsync(IControlled session)
    {
        _session = session;
        while (true)
        {
            Socket client;
            try
            {
                client = await _listener.AcceptAsync(_closing.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
            _ = ServeAsync(client);
        }
    }

    public void Dispose()
    {
        _closing.Cancel();
        _listener.Dispose();
        _closing.Dispose();
    }

    private async Task ServeAsync(Socket client)
    {
        using var stream = new NetworkStream(client, ownsSocket: true);
        PipeReader reader = PipeReader.Create(stream);
        PipeWriter writer = PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true));
        try
        {
            /* Read first in any case: closing a socket with unread bytes would make the peer lose our reply. */
            ControlRequest? request = await ReadRequestAsync(reader).ConfigureAwait(false);
            PeerCredentials? peer = PeerCredentials.Of(client);
            if (peer is not { MayControl: true })
            {
                LogStranger(_log, peer?.Uid ?? uint.MaxValue);
                await SendAsync(writer, ControlReply.Refuse(ExitStatus.UnknownSession, "This session is another user's.")).ConfigureAwait(false);
                return;
            }
            if (request is not null)
                await AnswerAsync(request, reader, writer).ConfigureAwait(false);
            else
                await SendAsync(writer, ControlReply.Refuse(ExitStatus.Internal, "The request could not be understood.")).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
            /* The client hung up. */
        }
        catch (Exception e)
        {
            LogFailure(_log, e);
            await TrySendAsync(writer, ControlReply.Refuse(ExitStatus.Internal, $"The coordinator failed: {e.Message}")).ConfigureAwait(false);
        }
        finally
        {
            await reader.CompleteAsync().ConfigureAwait(false);
        }
    }

    private async Task AnswerAsync(ControlRequest request, PipeReader reader, PipeWriter writer)
    {
        if (request.Protocol != ControlProtocol.Version)
        {
            await SendAsync(writer, ControlReply.Refuse(ExitStatus.OtherRelease,
                $"This command is another release of Mvedsua than the one that runs the session (it speaks protocol {request.Protocol}, the session's coordinator {ControlProtocol.Version}): use that one.")).ConfigureAwait(false);
            return;
        }
        using var hangUp = CancellationTokenSource.CreateLinkedTokenSource(_closing.Token);
        switch (request.Verb)
        {
            case ControlVerb.Status:
                await SendAsync(writer, await OfStatusAsync().ConfigureAwait(false)).ConfigureAwait(false);
                break;
            case ControlVerb.Watch:
                _ = CancelAtHangUpAsync(reader, hangUp);
                await WatchAsync(writer, hangUp.Token).ConfigureAwait(false);
                break;
            case ControlVerb.Follow:
                await SendAsync(writer, await _session.FollowAsync().ConfigureAwait(false)).ConfigureAwait(false);
                break;
            case ControlVerb.Unfollow:
                await SendAsync(writer, await _session.UnfollowAsync(request.Pid, request.All).ConfigureAwait(false)).ConfigureAwait(false);
                break;
            case ControlVerb.Promote when PromotionPatience.Contradiction(request.Wait) is { } contradiction:
                await SendAsync(writer, ControlReply.Refuse(ExitStatus.Usage, contradiction + ".")).ConfigureAwait(false);
                break;
            case ControlVerb.Promote:
                _ = CancelAtHangUpAsync(reader, hangUp);
                await SendAsync(writer, await _session.PromoteAsync(request.Pid, request.Wait, hangUp.Token).ConfigureAwait(false)).ConfigureAwait(false);
                break;
            case ControlVerb.Update when request.Update is { To: not null } order:
                _ = CancelAtHangUpAsync(reader, hangUp);
                await UpdateAsync(order, writer, hangUp).ConfigureAwait(false);
                break;
            case ControlVerb.Commit:
                await SendAsync(writer, await _session.CommitAsync().ConfigureAwait(false)).ConfigureAwait(false);
                break;
            case ControlVerb.Rollback:
                await SendAsync(writer, await _session.RollbackAsync().ConfigureAwait(false)).ConfigureAwait(false);
                break;
            case ControlVerb.Trace:
                _ = CancelAtHangUpAsync(reader, hangUp);
                await TraceAsync(writer, hangUp.Token).ConfigureAwait(false);
                break;
            case ControlVerb.Report:
                await SendAsync(writer, await _session.LastReportAsync().ConfigureAwait(false) is { } report
                    ? new ControlReply(true, Report: report)
                    : ControlReply.Refuse(ExitStatus.NoReport, "There is no report: no follower of this session has diverged or died, and no leader has.")).ConfigureAwait(false);
                break;
            default:
                await SendAsync(writer, ControlReply.Refuse(ExitStatus.Usage, $"'{request.Verb}' is no request.")).ConfigureAwait(false);
                break;
        }
    }

    private async Task<ControlReply> OfStatusAsync() => new(true, Status: await _session.StatusAsync().ConfigureAwait(false));

    /// <summary>The state whenever it is another one. It is looked at, since nothing tells of what changes in the session's memory (the lag).</summary>
    private async Task WatchAsync(PipeWriter writer, CancellationToken hangUp)
    {
        byte[] told = [];
        while (true)
        {
            byte[] now = ControlProtocol.Encode(await OfStatusAsync().WaitAsync(hangUp).ConfigureAwait(false));
            if (!now.AsSpan().SequenceEqual(told)) await writer.WriteAsync(told = now, hangUp).ConfigureAwait(false);
            await Task.Delay(WatchInterval, hangUp).ConfigureAwait(false);
        }
    }

    /// <summary>Lines as they come, and in between a sign of life.</summary>
    private async Task UpdateAsync(UpdateOrder order, PipeWriter writer, CancellationTokenSource hangUp)
    {
        ChannelReader<ControlReply> lines = _session.Update(order, hangUp.Token);
        try
        {
            while (true)
            {
                Task<bool> more = lines.WaitToReadAsync(hangUp.Token).AsTask();
                while (await Task.WhenAny(more, Task.Delay(ControlProtocol.SignOfLife, hangUp.Token)).ConfigureAwait(false) != more && !hangUp.IsCancellationRequested)
                    await SendAsync(writer, new ControlReply(true, More: true)).ConfigureAwait(false);
                if (!await more.ConfigureAwait(false)) return;
                while (lines.TryRead(out ControlReply? line)) await SendAsync(writer, line).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            await hangUp.CancelAsync().ConfigureAwait(false); /* noticed here first */
        }
    }

    private async Task TraceAsync(PipeWriter writer, CancellationToken hangUp)
    {
        try
        {
            await foreach (TraceEvent e in _session.TraceAsync(hangUp).ConfigureAwait(false))
                await SendAsync(writer, new ControlReply(true, Event: e)).ConfigureAwait(false);
        }
        catch (SessionException e)
        {
            await SendAsync(writer, ControlReply.Refuse(e.Status, e.Message)).ConfigureAwait(false);
        }
    }

    /// <summary>A client of a stream sends nothing more: the next thing that it does is to hang up.</summary>
    private static async Task CancelAtHangUpAsync(PipeReader reader, CancellationTokenSource hangUp)
    {
        try
        {
            while (true)
            {
                ReadResult result = await reader.ReadAsync(hangUp.Token).ConfigureAwait(false);
                reader.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted) break;
            }
            await hangUp.CancelAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or InvalidOperationException or ObjectDisposedException)
        {
            if (e is IOException) await hangUp.CancelAsync().ConfigureAwait(false);
        }
    }

    private static async Task<ControlRequest?> ReadRequestAsync(PipeReader reader)
    {
        using var patience = new CancellationTokenSource(RequestTime);
        while (true)
        {
            ReadResult result = await reader.ReadAsync(patience.Token).ConfigureAwait(false);
            if (result.Buffer.PositionOf((byte)'\n') is { } end)
            {
                ControlRequest? request = Parse(result.Buffer.Slice(0, end));
                reader.AdvanceTo(result.Buffer.GetPosition(1, end));
                return request;
            }
            bool hopeless = result.IsCompleted || result.Buffer.Length > LongestRequest;
            reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            if (hopeless) return null;
        }
    }

    private static ControlRequest? Parse(ReadOnlySequence<byte> line)
    {
        var json = new Utf8JsonReader(line);
        try
        {
            return JsonSerializer.Deserialize(ref json, ControlJson.Default.ControlRequest);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static async Task SendAsync(PipeWriter writer, ControlReply reply) =>
        await writer.WriteAsync(ControlProtocol.Encode(reply)).ConfigureAwait(false);

    private static async Task TrySendAsync(PipeWriter writer, ControlReply reply)
    {
        try
        {
            await SendAsync(writer, reply).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or SocketException or InvalidOperationException)
        {
        }
    }

    [LoggerMessage(LogLevel.Warning, "a client of another user (uid {Uid}) was refused")]
    private static partial void LogStranger(ILogger log, uint uid);

    [LoggerMessage(LogLevel.Error, "a request failed")]
    private static partial void LogFailure(ILogger log, Exception e);
}

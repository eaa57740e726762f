using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Mvedsua.Coordinator.Control;

/// <summary>Talks to coordinators over their control sockets, one connection a request.</summary>
/// <param name="revive">Starts a new coordinator for a session whose own died, and returns once it listens; throws
/// <see cref="SessionException"/> when there is nothing to attach to.</param>
public sealed class SessionClient(Func<string, CancellationToken, Task> revive) : ISessionClient
{
    /// <summary>How long a coordinator may take for what it knows itself, and for what the leader must answer, perhaps after
    /// another request.</summary>
    private static readonly TimeSpan OwnAnswer = TimeSpan.FromSeconds(10), LeadersAnswer = 2.5 * Sessions.ShimRequest.TimeLimit;

    /// <summary>How long nothing may be heard of a coordinator that carries out an update.</summary>
    private static readonly TimeSpan Silence = 6 * ControlProtocol.SignOfLife;

    /// <inheritdoc/>
    public IReadOnlyList<string> Names() => SessionDirectory.Names();

    /// <inheritdoc/>
    public async Task<SessionStatus> StatusAsync(string name, CancellationToken cancel) =>
        (await OneAsync(name, new ControlRequest(ControlVerb.Status), cancel).ConfigureAwait(false)).Status ?? throw Malformed(name);

    /// <inheritdoc/>
    public async IAsyncEnumerable<SessionStatus> WatchAsync(string name, [EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var reply in StreamAsync(name, new ControlRequest(ControlVerb.Watch), cancel).ConfigureAwait(false))
            yield return reply.Status ?? throw Malformed(name);
    }

    /// <inheritdoc/>
    public async Task<string> FollowAsync(string name, CancellationToken cancel) =>
        (await OneAsync(name, new ControlRequest(ControlVerb.Follow), cancel).ConfigureAwait(false)).Message ?? $"{name} has a follower";

    /// <inheritdoc/>
    public async Task<string> UnfollowAsync(string name, int pid, bool all, CancellationToken cancel) =>
        (await OneAsync(name, new ControlRequest(ControlVerb.Unfollow, Pid: pid, All: all), cancel).ConfigureAwait(false)).Message ?? $"{name} has no follower any more";

    /// <inheritdoc/>
    public async Task<string> PromoteAsync(string name, int pid, TimeSpan? wait, CancellationToken cancel) =>
        (await OneAsync(name, new ControlRequest(ControlVerb.Promote, Pid: pid, Wait: wait), cancel).ConfigureAwait(false)).Message ?? $"{name} has another leader";

    /// <inheritdoc/>
    public async IAsyncEnumerable<string> UpdateAsync(string name, UpdateOrder order, [EnumeratorCancellation] CancellationToken cancel)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        IAsyncEnumerator<ControlReply> replies = StreamAsync(name, new ControlRequest(ControlVerb.Update, Update: order), patience.Token).GetAsyncEnumerator(patience.Token);
        await using (replies.ConfigureAwait(false))
        {
            bool goesOn = true;
            while (goesOn)
            {
                patience.CancelAfter(Silence);
                ControlReply reply = await NextOfUpdateAsync(replies, name, cancel).ConfigureAwait(false);
                goesOn = reply.More;
                if (reply.Message is { } line) yield return line;
            }
        }
    }

    /// <summary>The coordinator's end leaves open what has become of the update.</summary>
    private static async Task<ControlReply> NextOfUpdateAsync(IAsyncEnumerator<ControlReply> replies, string name, CancellationToken cancel)
    {
        string how;
        try
        {
            if (await replies.MoveNextAsync().ConfigureAwait(false)) return replies.Current;
            how = "ended";
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            how = "does not answer any more";
        }
        catch (SessionException e) when (e.InnerException is IOException)
        {
            how = "ended";
        }
        throw new SessionException(ExitStatus.CoordinatorGone,
            $"the coordinator of '{name}' {how} before the update's outcome was known; the server goes on, and 'mvedsua status {name}' shows which versions there are.");
    }

    /// <inheritdoc/>
    public async Task<string> CommitAsync(string name, CancellationToken cancel) =>
        (await OneAsync(name, new ControlRequest(ControlVerb.Commit), cancel).ConfigureAwait(false)).Message ?? $"{name} runs the new version";

    /// <inheritdoc/>
    public async Task<string> RollbackAsync(string name, CancellationToken cancel) =>
        (await OneAsync(name, new ControlRequest(ControlVerb.Rollback), cancel).ConfigureAwait(false)).Message ?? $"{name} runs the old version";

    /// <inheritdoc/>
    public async IAsyncEnumerable<TraceEvent> TraceAsync(string name, [EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var reply in StreamAsync(name, new ControlRequest(ControlVerb.Trace), cancel).ConfigureAwait(false))
            yield return reply.Event ?? throw Malformed(name);
    }

    /// <inheritdoc/>
    public async Task<DivergenceReport> ReportAsync(string name, CancellationToken cancel)
    {
        try
        {
            return (await OneAsync(name, new ControlRequest(ControlVerb.Report), cancel).ConfigureAwait(false)).Report ?? throw Malformed(name);
        }
        catch (SessionException e) when (e.Status == ExitStatus.UnknownSession)
        {
            /* Reports outlive the session. */
            return Sessions.SessionProbe.LastReport(name) ?? throw new SessionException(e.Status, e.Message);
        }
    }

    private async Task<ControlReply> OneAsync(string name, ControlRequest request, CancellationToken cancel)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(request.Verb switch
        {
            ControlVerb.Promote => LeadersAnswer + (request.Wait ?? TimeSpan.Zero),
            ControlVerb.Follow or ControlVerb.Unfollow or ControlVerb.Commit => LeadersAnswer,
            ControlVerb.Rollback => 2 * LeadersAnswer, /* two requests */
            _ => OwnAnswer,
        });
        try
        {
            await foreach (var reply in StreamAsync(name, request, patience.Token).ConfigureAwait(false)) return reply;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new SessionException(ExitStatus.CoordinatorGone,
                $"the coordinator of '{name}' does not answer (is 'mvedsua run' stopped?); the server is unaffected.");
        }

        throw new SessionException(ExitStatus.CoordinatorGone,
            $"the coordinator of '{name}' ended before it answered; the server is unaffected, so try again.");
    }

    private async IAsyncEnumerable<ControlReply> StreamAsync(
        string name, ControlRequest request, [EnumeratorCancellation] CancellationToken cancel)
    {
        using var socket = await ConnectAsync(name, cancel).ConfigureAwait(false);
        var stream = new NetworkStream(socket);
        await using (stream.ConfigureAwait(false))
        {
            await SendAsync(stream, request, name, cancel).ConfigureAwait(false);
            var lines = new LineReader(stream);
            while (await NextAsync(lines, name, cancel).ConfigureAwait(false) is { } reply)
            {
                if (!reply.Ok) throw new SessionException(reply.ExitStatus, reply.Error ?? "refused without a reason");
                yield return reply;
            }
        }
    }

    private static async Task SendAsync(NetworkStream stream, ControlRequest request, string name, CancellationToken cancel)
    {
        try
        {
            await stream.WriteAsync(ControlProtocol.Encode(request), cancel).ConfigureAwait(false);
        }
        catch (IOException e)
        {
            throw Lost(name, e);
        }
    }

    private static async Task<ControlReply?> NextAsync(LineReader lines, string name, CancellationToken cancel)
    {
        try
        {
            var line = await lines.ReadAsync(cancel).ConfigureAwait(false);
            if (line is null) return null;
            return JsonSerializer.Deserialize(line, ControlJson.Default.ControlReply) ?? throw Malformed(name);
        }
        catch (IOException e)
        {
            throw Lost(name, e);
        }
        catch (Exception e) when (e is JsonException or InvalidDataException)
        {
            throw Malformed(name);
        }
    }

    private async Task<Socket> ConnectAsync(string name, CancellationToken cancel)
    {
        if (!SessionName.IsValid(name) || !SessionDirectory.HasRoomForSocket(name) || !Directory.Exists(SessionDirectory.PathOf(name))) throw Unknown(name);
        if (await TryConnectAsync(name, cancel).ConfigureAwait(false) is { } socket) return socket;
        await revive(name, cancel).ConfigureAwait(false);
        return await TryConnectAsync(name, cancel).ConfigureAwait(false)
            ?? throw new SessionException(ExitStatus.CoordinatorGone,
                $"the coordinator of '{name}' is gone and a new one could not take over; the server is unaffected.");
    }

    private static async Task<Socket?> TryConnectAsync(string name, CancellationToken cancel)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(SessionDirectory.SocketOf(name)), cancel).ConfigureAwait(false);
            return socket;
        }
        catch (SocketException)
        {
            socket.Dispose();
            return null;
        }
    }

    private SessionException Unknown(string name)
    {
        var names = Names();
        var known = names.Count == 0 ? "there are no sessions; start one with 'mvedsua run'" : $"there are: {string.Join(", ", names)}";
        return new SessionException(ExitStatus.UnknownSession, $"no session is named '{name}'; {known}.");
    }

    private static SessionException Malformed(string name) => new(ExitStatus.Internal,
        $"the coordinator of '{name}' sent a reply that can't be understood; is it another release of Mvedsua?");

    private static SessionException Lost(string name, IOException cause) => new(ExitStatus.CoordinatorGone,
        $"the connection to the coordinator of '{name}' was lost ({cause.Message}); the server is unaffected, so try again.", cause);
}

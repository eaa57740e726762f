using System.Net.Sockets;
using System.Text.Json;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Cli.Tests;

/// <summary>The coordinator's end of a control socket, answering as the test says: what the verbs do with each answer
/// is tested here; what a real coordinator answers, in its own tests.</summary>
internal sealed class ServedSession : IDisposable
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly Task _serving;

    internal ServedSession(MvedsuaRunner mvedsua, string name, Func<ControlRequest, IEnumerable<ControlReply>>? answer = null)
    {
        Directory.CreateDirectory(Path.Combine(mvedsua.Folder, "mvedsua"), Private);
        Directory.CreateDirectory(mvedsua.SessionFolder(name), Private);
        _listener.Bind(new UnixDomainSocketEndPoint(Path.Combine(mvedsua.SessionFolder(name), SessionDirectory.SocketName)));
        _listener.Listen();
        _serving = ServeAsync(answer ?? (_ => []));
    }

    /// <summary>What was asked, in order.</summary>
    internal List<ControlRequest> Requests { get; } = [];

    /// <summary>Bytes to send instead of the answer.</summary>
    internal byte[]? Raw { get; set; }

    public void Dispose()
    {
        _listener.Dispose();
        _serving.GetAwaiter().GetResult();
    }

    private async Task ServeAsync(Func<ControlRequest, IEnumerable<ControlReply>> answer)
    {
        while (true)
        {
            try
            {
                using var client = await _listener.AcceptAsync();
                await using var stream = new NetworkStream(client);
                if (await new LineReader(stream).ReadAsync(default) is not { } line) continue;
                var request = JsonSerializer.Deserialize(line, ControlJson.Default.ControlRequest)!;
                Requests.Add(request);
                if (Raw is not null) await stream.WriteAsync(Raw);
                else foreach (var reply in answer(request)) await stream.WriteAsync(ControlProtocol.Encode(reply));
            }
            catch (IOException)
            {
                // the verb had enough
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }
}

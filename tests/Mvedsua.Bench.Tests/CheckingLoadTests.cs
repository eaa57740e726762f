using System.Net;
using System.Net.Sockets;
using System.Text;
using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Servers;

namespace Mvedsua.Bench.Tests;

public sealed class CheckingLoadTests
{
    private const int Progress = 25_000, Connections = 4;
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    /// <summary>What could break it: progress that nobody has read yet, as while a command ran, is taken for the next phase's.</summary>
    [Fact]
    public async Task A_phase_ends_only_after_answers_of_its_own()
    {
        using var server = new PageServer(Progress + 1000);
        using var load = new CheckingLoad(Built.Paths, "http", server.Port, Connections);
        await server.Reached.WaitAsync(_patience, TestContext.Current.CancellationToken);
        load.NextPhase();
        load.AwaitProgress(1);
        var phases = load.End();
        Assert.Equal(2, phases.Count);
        Assert.InRange(phases[0].Answers, Progress, long.MaxValue);
        Assert.InRange(phases[1].Answers, Progress, long.MaxValue);
    }

    /// <summary>What could break it: two signals that come before the first is seen are one.</summary>
    [Fact]
    public void Phases_that_follow_at_once_are_phases_all_the_same()
    {
        using var server = new PageServer(1);
        using var load = new CheckingLoad(Built.Paths, "http", server.Port, Connections);
        for (var i = 0; i < 10; i++) load.NextPhase();
        Assert.Equal(11, load.End().Count);
    }

    /// <summary>Answers every request with the page that check-load expects, and tells when it has answered so many.</summary>
    private sealed class PageServer : IDisposable
    {
        private static readonly byte[] _answer = Encoding.ASCII.GetBytes(
            "HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n" + string.Concat(Enumerable.Range(0, 4096).Select(i => (char)('a' + i % 26))));

        private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly int _wanted;
        private int _answers;

        internal PageServer(int wanted)
        {
            _wanted = wanted;
            _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            _listener.Listen();
            new Thread(Accept) { IsBackground = true }.Start();
        }

        internal int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;
        internal Task Reached => _reached.Task;

        public void Dispose() => _listener.Dispose();

        private void Accept()
        {
            try
            {
                while (true)
                {
                    var client = _listener.Accept();
                    new Thread(() => Serve(client)) { IsBackground = true }.Start();
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The test is over.
            }
        }

        /// <summary>A connection has one request on its way at a time, which comes whole.</summary>
        private void Serve(Socket client)
        {
            var request = new byte[1024];
            using (client)
            {
                try
                {
                    while (client.Receive(request) > 0)
                    {
                        client.Send(_answer);
                        if (Interlocked.Increment(ref _answers) == _wanted) _reached.TrySetResult();
                    }
                }
                catch (SocketException)
                {
                    // The load has ended.
                }
            }
        }
    }
}

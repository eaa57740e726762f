using System.Net.Sockets;
using System.Text;

namespace Mvedsua.Drill.Kv;

/// <summary>A connection of the load: requests for keys of its own, alone or many in one piece.</summary>
internal sealed class KvClient(int port, KvKeys keys, Random random, Func<KvCommands> commands) : DrillClient
{
    private readonly List<Func<string, string?>> _answers = [];
    private KvLine? _line;

    internal KvKeys Keys => keys;

    internal override void Connect()
    {
        Dispose();
        _line = new KvLine(port);
    }

    internal override void Ask()
    {
        var requests = new StringBuilder();
        _answers.Clear();
        for (int count = random.Next(8) == 0 ? random.Next(2, 80) : 1; count > 0; count--) keys.Next(commands(), requests, _answers);
        _line!.Send(requests.ToString());
        foreach ((int i, Func<string, string?> wrong) in _answers.Index())
            if (wrong(_line.Read()) is { } what)
                throw new DrillFailure($"answer {i + 1} of {_answers.Count} to {KvKeys.Shorten(requests.ToString())}: {what}");
    }

    internal override void Lost()
    {
        using var line = new KvLine(port);
        line.Send(keys.Forget());
        for (int i = 0; i < KvKeys.ForgottenAnswers; i++) line.Read();
    }

    public override void Dispose() => _line?.Dispose();

    /// <summary>Clients of one server that know every answer. From one moment to the next they may be allowed other commands.</summary>
    internal static ClientLoad<KvClient> Load(int port, int count, int seed, bool inShards = false, Func<KvCommands>? commands = null) =>
        new(count, (number, _) =>
        {
            var random = new Random(unchecked(seed * 31 + number));
            return new KvClient(port, new KvKeys($"c{number}.", random) { InShards = inShards }, random, commands ?? (() => KvCommands.Texts));
        });

    /// <summary>Is there somebody who listens?</summary>
    internal static bool Answers(int port)
    {
        try
        {
            using var line = new KvLine(port, 5000);
            return line.Ask("PING") == "PONG";
        }
        catch (Exception e) when (e is SocketException or EndOfStreamException)
        {
            return false;
        }
    }
}

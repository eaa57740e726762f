using System.Text;
using Mvedsua.Drill.Kv;

namespace Mvedsua.Kv.Tests;

/// <summary>One script for the sample server, every answer recorded: what a client of 1.0 could ask.</summary>
internal static class Transcript
{
    /// <summary>In lines; each stands for one answer, but where <see cref="Lines"/> says that there are more.</summary>
    private static readonly string[] Script =
    [
        "PING", "COUNT", "GET a", "PUT a one word and more", "GET a", "GET a\r", "PUT a", "PUT  a", "PUT a ", "GET", "GET a b", "get a", "", " ", "PING x",
        "PUT b 2", "PUT c 3", "GET b", "SCAN", "SCAN a", "SCAN z", "COUNT", "COUNT 1", "DEL a", "DEL a", "DEL", "GET a", "SCAN",
        "APPEND b !", "APPEND new text", "APPEND b", "GET b", "GET new", "SCAN", "STATS", "CALLS GET", "CALLS PUT", "CALLS NO", "CALLS",
        "EXPIRE b 100000000", "EXPIRE b 0", "EXPIRE b x", "EXPIRE b -1", "EXPIRE none 5", "EXPIRE b", "TTL b", "TTL none", "EXPIRE c 1000000000000", "PUT b again", "TTL b",
        "CONFIG scan-limit", "CONFIG scan-limit 2", "SCAN", "CONFIG scan-limit 0", "CONFIG scan-limit x", "CONFIG scan-limit 1000", "CONFIG none", "CONFIG none 1", "CONFIG",
        "CONFIG max-keys 3", "PUT d 4", "PUT e 5", "SCAN", "GET b", "PUT f 6", "SCAN", "COUNT", "CONFIG max-keys 0", "STATS",
        $"PUT {new string('k', 250)} longest", $"PUT {new string('k', 251)} too long", $"GET {new string('k', 250)}", "PUT-nothing a b", "VERSIONS",
        "CONFIG max-line 100", $"PUT a {new string('x', 80)}", $"PUT a {new string('x', 100)}", $"PUT a {new string('x', 50_000)}", "GET a", "CONFIG max-line 1048576",
        "CALLS PING", "CALLS APPEND", "STATS",
    ];

    /// <summary>Plays the script on one connection, each line when the one before is answered; then random requests, many at once.</summary>
    /// <param name="port">Of a fresh server.</param>
    /// <param name="translate">What the release calls a command; it is asked for each line.</param>
    internal static List<string> Play(int port, Func<string, string>? translate = null)
    {
        var answers = new List<string>();
        using var line = new KvLine(port, 20_000);
        foreach (string request in Script)
        {
            line.Send((translate?.Invoke(request) ?? request) + "\n");
            bool several = request.StartsWith("SCAN", StringComparison.Ordinal) || request == "STATS";
            string answer;
            do answers.Add($"{KvKeys.Shorten(request)}: {answer = line.Read()}");
            while (several && answer != "END");
        }
        answers.AddRange(Pipelined(port, translate));
        line.Send((translate?.Invoke("PUT last value") ?? "PUT last value") + "\nQUIT\nPING\n");
        answers.AddRange([line.Read(), line.Read()]);
        Assert.True(line.IsAtEnd());
        return answers;
    }

    private static IEnumerable<string> Pipelined(int port, Func<string, string>? translate)
    {
        using var line = new KvLine(port, 20_000);
        var keys = new KvKeys("t.", new Random(5));
        for (int round = 0; round < 40; round++)
        {
            var requests = new StringBuilder();
            var checks = new List<Func<string, string?>>();
            for (int i = 0; i < 50; i++) keys.Next(KvCommands.Texts, requests, checks);
            string text = requests.ToString();
            line.Send(translate is null ? text : string.Join('\n', text.Split('\n').Select(translate)));
            foreach (Func<string, string?> wrong in checks)
            {
                string answer = line.Read();
                Assert.Null(wrong(answer));
                yield return answer;
            }
        }
    }
}

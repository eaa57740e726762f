using System.Text;
using Mvedsua.Drill.Kv;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Kv.Tests;

/// <summary>What the releases answer, natively.</summary>
public sealed class ReleaseTests
{
    private static List<string> Told(string release, Func<string, string>? translate = null)
    {
        using var server = new NativeServer(KvPrograms.Of(release));
        List<string> answers = Transcript.Play(server.Port, translate);
        Assert.Equal(0, server.Terminate());
        return answers;
    }

    [Fact]
    public void Release_1_1_answers_byte_for_byte_as_1_0() => Assert.Equal(Told("1.0"), Told("1.1"));

    [Fact]
    public void Release_2_0_answers_what_1_0_knew_as_1_0() => Assert.Equal(Told("1.0"), Told("2.0"));

    [Fact]
    public void Release_3_0_answers_as_2_0_when_PUT_is_called_SET()
    {
        static string Renamed(string request) => request is "PUT" or "CALLS PUT" || request.StartsWith("PUT ", StringComparison.Ordinal) ? request.Replace("PUT", "SET") : request;
        /* The default of SCAN's limit is another on purpose. */
        static IEnumerable<string> Common(List<string> answers) =>
            answers.Where(answer => !answer.StartsWith("CONFIG scan-limit: ", StringComparison.Ordinal)).Select(answer => answer.Replace("usage: SET", "usage: PUT").Replace("CALLS SET", "CALLS PUT"));
        Assert.Equal(Common(Told("2.0")), Common(Told("3.0", Renamed)));
    }

    [Fact]
    public void Release_3_0_has_no_PUT_and_other_defaults()
    {
        using var old = new NativeServer(KvPrograms.Of("2.0"));
        using var server = new NativeServer(KvPrograms.Of("3.0"));
        using KvLine before = old.Connect(), line = server.Connect();
        Assert.Equal("OK", before.Ask("PUT a b"));
        Assert.Equal("ERROR unknown command", line.Ask("PUT a b"));
        foreach ((string name, string two, string three) in ((string, string, string)[])[("scan-limit", "1000", "100"), ("expiry-period", "100", "50"), ("max-value", "536870912", "67108864"), ("max-keys", "0", "0")])
        {
            Assert.Equal($"CONFIG {name} {two}", before.Ask($"CONFIG {name}"));
            Assert.Equal($"CONFIG {name} {three}", line.Ask($"CONFIG {name}"));
        }
    }

    [Theory]
    [InlineData("2.0")]
    [InlineData("3.0")]
    public void Values_have_types_from_2_0_on(string release)
    {
        using var server = new NativeServer(KvPrograms.Of(release));
        using KvLine line = server.Connect();
        foreach ((string request, string answer) in ((string, string)[])
                 [("TYPE n", "NONE"), ("PUT-number n 41", "OK"), ("TYPE n", "TYPE number"), ("GET n", "VALUE 41"), ("ADD n 1", "NUMBER 42"), ("ADD n -50", "NUMBER -8"), ("ADD none 1", "NONE"),
                  ("PUT-number n 4 2", "ERROR not a number"), ("PUT-number n x", "ERROR not a number"), ("PUT-number n +1", "ERROR not a number"), ("PUT-number n 9223372036854775808", "ERROR not a number"),
                  ("PUT-number n 9223372036854775807", "OK"), ("ADD n 1", "ERROR number too large"), ("GET n", "VALUE 9223372036854775807"), ("APPEND n x", "ERROR not a text"),
                  ("PUT-number n -9223372036854775808", "OK"), ("GET n", "VALUE -9223372036854775808"),
                  ("SET n now a text", "OK"), ("TYPE n", "TYPE text"), ("GET n", "VALUE now a text"), ("ADD n 1", "ERROR not a number"), ("APPEND n !", "SIZE 11"), ("PUT-number n 1", "OK"),
                  ("DEL n", "OK"), ("TYPE n", "NONE"), ("CALLS PUT-number", "CALLS PUT-number 8"), ("VERSION", $"VERSION {release}"), ("CONFIG max-value 10", "OK"), ("SET t 1234567890", "OK"),
                  ("APPEND t 1", "ERROR value too long"), ("SET t 12345678901", "ERROR value too long"), ("GET t", "VALUE 1234567890")])
            Assert.Equal(answer, line.Ask(request));
    }

    [Fact]
    public void Releases_before_2_0_do_not_know_its_commands()
    {
        foreach (string release in (string[])["1.0", "1.1"])
        {
            using var server = new NativeServer(KvPrograms.Of(release));
            using KvLine line = server.Connect();
            foreach (string request in (string[])["SET a b", "PUT-number a 1", "ADD a 1", "TYPE a"]) Assert.Equal("ERROR unknown command", line.Ask(request));
            Assert.Equal("NONE", line.Ask("CONFIG max-value"));
            Assert.Equal($"VERSION {release}", line.Ask("VERSION"));
        }
    }

    public static TheoryData<string, int> All => [.. from release in (string[])["1.0", "1.1", "2.0", "3.0"] from threads in (int[])[0, 3] select (release, threads)];

    [Theory]
    [MemberData(nameof(All))]
    public void Every_answer_is_right_under_load(string release, int threads)
    {
        using var server = new NativeServer(KvPrograms.Of(release), ["--threads", $"{threads}"]);
        KvCommands commands = KvCommands.Texts;
        if (release == "3.0") commands = KvCommands.WithoutPut;
        using var load = KvClient.Load(server.Port, 6, 1, threads > 0, () => commands);
        load.More(1000);
        if (release == "2.0") commands = KvCommands.Typed;
        load.More(1000);
        load.Finish();
        using KvLine line = server.Connect();
        Assert.Equal($"COUNT {load.Clients.Sum(client => client.Keys.Count)}", line.Ask("COUNT"));
        Assert.Equal(0, server.Terminate());
        Assert.DoesNotContain(" error ", server.Log);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Thousands_of_connections_are_served_at_once(string release, int threads)
    {
        using var server = new NativeServer(KvPrograms.Of(release), ["--threads", $"{threads}"]);
        using (var crowd = new KvCrowd(server.Port, 4000, release == "3.0" ? "SET" : "PUT"))
        {
            crowd.Round();
            crowd.Round();
        }
        using KvLine line = server.Connect();
        Host.Until(() => line.AskAll("STATS").Contains("STAT connections 1"), "all connections but one are gone");
        Assert.Equal("COUNT 4000", line.Ask("COUNT"));
    }

    [Theory]
    [InlineData("1.0")]
    [InlineData("2.0")]
    public void Memory_is_used_rightly_under_load(string release)
    {
        foreach (int threads in (int[])[0, 3])
        {
            using var server = new NativeServer(KvPrograms.Sanitized($"kv-{release}"), ["--threads", $"{threads}"]);
            List<string> _ = threads == 0 ? Transcript.Play(server.Port) : [];
            using var load = KvClient.Load(server.Port, 4, 2, threads > 0, () => release == "2.0" ? KvCommands.Typed : KvCommands.Texts);
            load.More(500);
            load.Finish();
            Assert.True(server.Terminate() == 0, server.Errors); /* leaks, too, are a failure */
        }
    }
}

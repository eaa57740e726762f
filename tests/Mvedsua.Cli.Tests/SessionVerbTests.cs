using System.Text;
using System.Text.Json;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Cli.Tests;

public sealed class SessionVerbTests : IDisposable
{
    private static readonly SessionStatus _status = new(
        "cache", Stage.SingleLeader, ["/usr/bin/redis-server", "--port", "6379"], DateTimeOffset.UnixEpoch,
        new ProcessStatus(4711, 4711, 5), [new FollowerStatus(4720, 4711, 5, "replaying", new LagStatus(3, 2048))],
        new SiteStatus(573, 1, 0), new LogStatus(1 << 20, 6L << 30), [new PastEvent(DateTimeOffset.UnixEpoch, "leader 4700 ended")]);

    private static readonly DivergenceReport _report = new(
        "cache", DateTimeOffset.UnixEpoch, "different-bytes", "The follower would have written other bytes.", 4711,
        new FirstDifference("outgoing bytes", 3, "+OK\\r\\n", "+NO\\r\\n"),
        new DivergenceSide([new TraceEvent(0, 4711, 41, "write", ["7", "\"+OK\\r\\n\"", "5"], 5, null)], ["writeToClient+0x10 (redis-server)"]),
        new DivergenceSide([new TraceEvent(0, 4711, 41, "write", ["7", "\"+NO\\r\\n\"", "5"], null, null)], ["writeToClient+0x10 (redis-server)"]),
        ["no call differed before: suspect rdtsc or a hash seed"]);

    private readonly MvedsuaRunner _mvedsua = new();

    public void Dispose() => _mvedsua.Dispose();

    [Theory]
    [InlineData("status")]
    [InlineData("follow")]
    [InlineData("unfollow")]
    [InlineData("trace")]
    [InlineData("report")]
    public void An_unknown_session_is_named_with_those_that_exist(string verb)
    {
        using var session = new ServedSession(_mvedsua, "cache");
        var result = _mvedsua.Run(verb, "cahce");
        Assert.Equal((int)ExitStatus.UnknownSession, result.Status);
        Assert.Equal("mvedsua: no session is named 'cahce'; there are: cache.\n", result.Errors);
        Assert.Empty(session.Requests);
    }

    [Fact]
    public void A_name_that_leads_out_of_the_directory_is_unknown() =>
        Assert.Equal((int)ExitStatus.UnknownSession, _mvedsua.Run("status", "../../etc").Status);

    [Fact]
    public void Status_in_JSON_has_the_names_that_scripts_rely_on()
    {
        using var session = Answering(new ControlReply(true, Status: _status));
        var result = _mvedsua.Run("status", "cache", "--json");
        Assert.Equal(0, result.Status);
        using var json = JsonDocument.Parse(result.Output);
        var root = json.RootElement;
        Assert.Equal("cache", root.GetProperty("name").GetString());
        Assert.Equal("single-leader", root.GetProperty("stage").GetString());
        Assert.Equal(4711, root.GetProperty("leader").GetProperty("pid").GetInt32());
        Assert.Equal(4720, root.GetProperty("follower").GetProperty("pid").GetInt32());
        Assert.Equal(3, root.GetProperty("lag").GetProperty("events").GetInt64());
        Assert.Equal(2048, root.GetProperty("lag").GetProperty("bytes").GetInt64());
        Assert.Equal(573, root.GetProperty("sites").GetProperty("rewritten").GetInt64());
        Assert.Equal(1, root.GetProperty("sites").GetProperty("trapped").GetInt64());
        Assert.Equal(0, root.GetProperty("sites").GetProperty("refused").GetInt64());
    }

    [Fact]
    public void Status_shows_how_far_an_update_is()
    {
        var update = new UpdateStatus("/srv/kv-2.0", UpdateStep.CatchingUp, 2, 6, new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeZoneInfo.Local.GetUtcOffset(new DateTime(2026, 1, 2, 3, 4, 5))));
        using var session = Answering(new ControlReply(true, Status: _status with { Stage = Stage.OutdatedLeader, Update = update }));
        var text = _mvedsua.Run("status", "cache").Output;
        Assert.Matches(@"stage +outdated leader *\n", text);
        Assert.Matches(@"update +catching up, to /srv/kv-2\.0, attempt 2 of 6, until 03:04:05 *\n", text);
        using var json = JsonDocument.Parse(_mvedsua.Run("status", "cache", "--json").Output);
        Assert.Equal("outdated-leader", json.RootElement.GetProperty("stage").GetString());
        Assert.Equal("catching-up", json.RootElement.GetProperty("update").GetProperty("step").GetString());
        Assert.Equal(2, json.RootElement.GetProperty("update").GetProperty("attempt").GetInt32());
    }

    [Fact]
    public void Without_a_follower_its_pid_is_null()
    {
        using var session = Answering(new ControlReply(true, Status: _status with { Followers = [] }));
        using var json = JsonDocument.Parse(_mvedsua.Run("status", "cache", "--json").Output);
        Assert.Equal(JsonValueKind.Null, json.RootElement.GetProperty("follower").ValueKind);
    }

    [Fact]
    public void Status_without_a_name_lists_all_sessions()
    {
        using var one = Answering(new ControlReply(true, Status: _status));
        using var two = new ServedSession(_mvedsua, "web", _ => [new ControlReply(true, Status: _status with { Name = "web", Followers = [] })]);
        var lines = _mvedsua.Run("status").Output.TrimEnd().Split('\n');
        Assert.Equal(3, lines.Length);
        Assert.Matches(@"^cache +single leader +4711 +4720 +2\.00 KiB +redis-server *$", lines[1]);
        Assert.Matches(@"^web +single leader +4711 +- +- +redis-server *$", lines[2]);
        using var json = JsonDocument.Parse(_mvedsua.Run("status", "--json").Output);
        Assert.Equal(2, json.RootElement.GetArrayLength());
    }

    [Fact]
    public void Watching_prints_a_line_for_each_state_and_ends_with_the_session()
    {
        using var session = Answering(new ControlReply(true, Status: _status), new ControlReply(true, Status: _status with { Followers = [] }));
        var result = _mvedsua.Run("status", "cache", "--watch");
        Assert.Equal(0, result.Status);
        Assert.Equal(["cache single leader leader=4711 follower=4720 lag.events=3 lag.bytes=2048",
            "cache single leader leader=4711 follower=- lag.events=0 lag.bytes=0"], result.Output.TrimEnd().Split('\n'));
        Assert.Equal(ControlVerb.Watch, Assert.Single(session.Requests).Verb);
    }

    [Theory]
    [InlineData(null, 4720, "4720")]
    [InlineData(20.0, 0, "--wait", "20s")]
    [InlineData(90.0, 4720, "4720", "--wait", "1.5m")]
    public void A_promotion_says_who_is_to_lead_and_how_long_it_is_waited_for(double? seconds, int pid, params string[] words)
    {
        using var session = Answering(new ControlReply(true, Message: "4720 leads"));
        var result = _mvedsua.Run(["promote", "cache", .. words]);
        Assert.Equal((0, "4720 leads\n"), (result.Status, result.Output));
        Assert.Equal(new ControlRequest(ControlVerb.Promote, Pid: pid, Wait: seconds is { } time ? TimeSpan.FromSeconds(time) : null), Assert.Single(session.Requests));
    }

    [Fact]
    public void A_refusal_by_the_session_is_passed_on()
    {
        using var session = Answering(ControlReply.Refuse(ExitStatus.RefusedByStage, "cache has a follower already (pid 4720)."));
        var result = _mvedsua.Run("follow", "cache");
        Assert.Equal((int)ExitStatus.RefusedByStage, result.Status);
        Assert.Equal("mvedsua: cache has a follower already (pid 4720).\n", result.Errors);
    }

    [Theory]
    [InlineData("follow")]
    [InlineData("unfollow")]
    public void What_the_session_did_is_said(string verb)
    {
        using var session = Answering(new ControlReply(true, Message: "done so"));
        var result = _mvedsua.Run(verb, "cache");
        Assert.Equal((0, "done so\n"), (result.Status, result.Output));
        Assert.Equal(verb, Assert.Single(session.Requests).Verb);
    }

    [Fact]
    public void Trace_prints_calls_as_strace_does()
    {
        var call = new TraceEvent(0, 4711, 7, "read", ["8", "\"PING\\r\\n\"", "16384"], 6, null);
        var failed = new TraceEvent(0, 4712, 1, "accept4", ["6", "NULL", "NULL", "SOCK_NONBLOCK"], -11, "EAGAIN");
        using var session = Answering(new ControlReply(true, Event: call), new ControlReply(true, Event: failed));
        Assert.Equal("[4711] read(8, \"PING\\r\\n\", 16384) = 6\n[4712] accept4(6, NULL, NULL, SOCK_NONBLOCK) = -1 EAGAIN\n",
            _mvedsua.Run("trace", "cache").Output);
        var lines = _mvedsua.Run("trace", "cache", "--json").Output.TrimEnd().Split('\n');
        Assert.Equal("EAGAIN", JsonDocument.Parse(lines[1]).RootElement.GetProperty("error").GetString());
    }

    [Fact]
    public void Trace_ends_when_its_reader_has_had_enough()
    {
        var call = new TraceEvent(0, 4711, 7, "getpid", [], 4711, null);
        using var session = new ServedSession(_mvedsua, "cache", _ => Enumerable.Repeat(new ControlReply(true, Event: call), int.MaxValue));
        var result = _mvedsua.Run("bash", ["-c", $"{MvedsuaRunner.Program} trace cache | head -n 2; exit ${{PIPESTATUS[0]}}"]);
        Assert.Equal((0, "[4711] getpid() = 4711\n[4711] getpid() = 4711\n"), (result.Status, result.Output));
    }

    [Fact]
    public void Trace_ends_with_status_0_when_interrupted()
    {
        var call = new TraceEvent(0, 4711, 7, "getpid", [], 4711, null);
        using var more = new ManualResetEventSlim();
        IEnumerable<ControlReply> Then()
        {
            yield return new ControlReply(true, Event: call);
            more.Wait();
        }

        using var session = new ServedSession(_mvedsua, "cache", _ => Then());
        using var process = _mvedsua.Start(MvedsuaRunner.Program, "trace", "cache");
        Assert.Equal("[4711] getpid() = 4711", process.StandardOutput.ReadLine());
        _mvedsua.Run("kill", ["-INT", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        process.WaitForExit();
        more.Set();
        Assert.Equal(0, process.ExitCode);
        Assert.Empty(process.StandardError.ReadToEnd());
    }

    [Fact]
    public void A_report_as_text_shows_both_sides_and_the_first_difference()
    {
        using var session = Answering(new ControlReply(true, Report: _report));
        var text = _mvedsua.Run("report", "cache").Output;
        Assert.Contains("First difference: outgoing bytes, byte 3\n  leader    +OK\\r\\n\n  follower  +NO\\r\\n\n", text, StringComparison.Ordinal);
        Assert.Contains("Leader, thread 4711\n>       41  write(7, \"+OK\\r\\n\", 5) = 5\n  #0  writeToClient", text, StringComparison.Ordinal);
        Assert.Contains("Follower, thread 4711\n>       41  write(7, \"+NO\\r\\n\", 5) …\n", text, StringComparison.Ordinal);
        Assert.Contains("  - no call differed before", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_report_under_rules_names_their_file_and_why_none_applied()
    {
        using var session = Answering(new ControlReply(true, Report: _report with { Rules = new RulesInForce("/srv/forward.rules", ["\"merged\" (1:1) does not apply: fd is 6, not 5 as before"]) }));
        var text = _mvedsua.Run("report", "cache").Output;
        Assert.Contains("\nRules in force: /srv/forward.rules; tried anew:\n  - \"merged\" (1:1) does not apply: fd is 6, not 5 as before\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_report_of_a_leaders_death_says_so_and_shows_no_empty_side()
    {
        var died = _report with { Reason = "leader-died", Difference = null, Follower = new DivergenceSide([], []) };
        using var session = Answering(new ControlReply(true, Report: died));
        var text = _mvedsua.Run("report", "cache").Output;
        Assert.StartsWith("cache: leader ended (leader-died)", text, StringComparison.Ordinal);
        Assert.DoesNotContain("Follower, thread", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_commands_words_are_shown_as_a_shell_would_need_them()
    {
        using var session = Answering(new ControlReply(true, Status: _status with { Command = ["redis-server", "--save", "", "--dir", "/a b", "it's"] }));
        Assert.Contains("redis-server --save '' --dir '/a b' 'it'\\''s'\n", _mvedsua.Run("status", "cache").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_report_in_JSON_is_the_report()
    {
        using var session = Answering(new ControlReply(true, Report: _report));
        using var json = JsonDocument.Parse(_mvedsua.Run("report", "cache", "--json").Output);
        Assert.Equal("different-bytes", json.RootElement.GetProperty("reason").GetString());
        Assert.Equal(3, json.RootElement.GetProperty("difference").GetProperty("offset").GetInt64());
    }

    [Fact]
    public void A_reply_that_makes_no_sense_is_a_named_error()
    {
        using var session = Answering();
        session.Raw = Encoding.UTF8.GetBytes("{\"ok\":tru\n");
        var result = _mvedsua.Run("status", "cache");
        Assert.Equal((int)ExitStatus.Internal, result.Status);
        Assert.Contains("can't be understood", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_coordinator_that_ends_before_it_answers_is_a_named_error()
    {
        using var session = Answering();
        session.Raw = Encoding.UTF8.GetBytes("{\"ok\":true");
        var result = _mvedsua.Run("status", "cache");
        Assert.Equal((int)ExitStatus.CoordinatorGone, result.Status);
        Assert.Contains("ended before it answered", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_session_whose_server_has_ended_is_unknown()
    {
        using (Answering())
        {
        }

        // The directory and a socket that nobody listens on are left, as after a kill of everything.
        var result = _mvedsua.Run("status", "cache");
        Assert.Equal((int)ExitStatus.UnknownSession, result.Status);
        Assert.Single(result.Errors.TrimEnd().Split('\n'));
    }

    private ServedSession Answering(params ControlReply[] replies) => new(_mvedsua, "cache", _ => replies);
}

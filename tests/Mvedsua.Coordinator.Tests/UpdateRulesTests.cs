using System.Diagnostics;
using Mvedsua.Abi;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Sessions;
using Mvedsua.Coordinator.Updates;
using Mvedsua.Update;

namespace Mvedsua.Coordinator.Tests;

/// <summary>Rules that an update is given: what can't be used is refused with its place and cure, before the server is touched.</summary>
public sealed class UpdateRulesTests : IDisposable
{
    private const string Good = "rule write($fd, $data) => writev($fd, $data)\n";
    private readonly string _folder = Directory.CreateTempSubdirectory("rules-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(_folder, name), text);

    private string Refused() => Assert.Throws<UpdateRefusedException>(() => UpdateRules.Load(_folder)).Message;

    [Fact]
    public void Both_files_are_compiled_and_counted()
    {
        Write("forward.rules", Good + "rule close($fd) => nothing\n");
        Write("reverse.rules", Good);
        UpdateRules rules = UpdateRules.Load(_folder);
        Assert.Equal("2 rules forward, 1 reverse", rules.Summary);
        Assert.Empty(rules.Warnings);
        Assert.Equal(2u, rules.Forward[3]);
        Assert.Equal(1u, rules.Reverse[3]);
    }

    [Fact]
    public void Without_reverse_rules_it_is_said_what_a_promotion_will_compare()
    {
        Write("forward.rules", Good);
        UpdateRules rules = UpdateRules.Load(_folder);
        Assert.Contains("after a promotion the old version is compared call by call", rules.Summary, StringComparison.Ordinal);
        Assert.NotEqual(0, rules.Forward.Length);
        Assert.Equal(0, rules.Reverse.Length);
    }

    [Fact]
    public void Common_rules_are_those_of_both_directions_and_stand_alone()
    {
        Write("common.rules", Good);
        UpdateRules rules = UpdateRules.Load(_folder);
        Assert.NotEqual(0, rules.Forward.Length);
        Assert.Equal(rules.Forward, rules.Reverse);
        Write("reverse.rules", Good);
        Assert.StartsWith($"{_folder} holds common.rules, which is for both directions, and forward.rules or reverse.rules as well", Refused(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_rules_that_come_with_Mvedsua_can_all_be_used()
    {
        string[] folders = [.. Directory.EnumerateFiles(Path.Combine(Installation.Root, "rules"), "*.rules", SearchOption.AllDirectories).Select(file => Path.GetDirectoryName(file)!).Distinct()];
        Assert.Contains(folders, folder => folder.EndsWith("/redis", StringComparison.Ordinal));
        foreach (string folder in folders) Assert.Empty(UpdateRules.Load(folder).Warnings);
    }

    [Fact]
    public void A_folder_that_is_none_or_has_no_rules_is_refused_by_name()
    {
        string file = Path.Combine(_folder, "file");
        foreach (string wrong in (string[])[Path.Combine(_folder, "missing"), file])
        {
            Write("file", Good);
            Assert.StartsWith($"{wrong} is no folder", Assert.Throws<UpdateRefusedException>(() => UpdateRules.Load(wrong)).Message, StringComparison.Ordinal);
        }
        Write("reverse.rules", Good);
        Assert.StartsWith($"there is no forward.rules in {_folder}", Refused(), StringComparison.Ordinal);
        Directory.CreateDirectory(Path.Combine(_folder, "forward.rules"));
        Assert.StartsWith($"{_folder}/forward.rules can't be read", Refused(), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_error_of_both_files_is_shown_with_its_place_and_its_cure()
    {
        Write("forward.rules", Good + "  rule raed(5) => nothing\n");
        Write("reverse.rules", "rule close(5) => nothing\nrule kill($pid, SIGTERM) => nothing\n");
        Assert.Equal($"""
            the rules can't be used:
            {_folder}/forward.rules:2:8: error: no call is named 'raed' (did you mean 'read'?)
                  rule raed(5) => nothing
                       ^
            {_folder}/reverse.rules:2:6: error: kill can't be reconciled by rules in a live update yet: what it does is kept in the follower's own memory, which a rule would pass by (both versions must make it alike)
                rule kill($pid, SIGTERM) => nothing
                     ^
            """, Refused());
    }

    [Fact]
    public void A_beginning_is_refused_since_an_updated_version_has_none()
    {
        Write("forward.rules", "begin listen() => listen()\n" + Good);
        Assert.Contains("forward.rules:1:7: error: an updated version begins where it was copied", Refused(), StringComparison.Ordinal);
    }

    [Fact]
    public void Rules_that_have_no_room_are_refused_with_their_size()
    {
        Write("forward.rules", string.Concat(Enumerable.Range(0, 600).Select(i => $"rule write(5, \"{i}{new string('x', 2000)}\") => nothing\n")));
        string refusal = Refused();
        Assert.Matches(@"forward\.rules: error: compiled, these rules take \d\.\d\d MiB", refusal);
        Assert.Contains("there is room for 1.00 MiB", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void Warnings_refuse_nothing_and_are_kept()
    {
        Write("forward.rules", "rule write($fd, $data) => writev($fd, $dta)\n");
        IReadOnlyList<string> warnings = UpdateRules.Load(_folder).Warnings;
        Assert.Contains(warnings, line => line.StartsWith($"{_folder}/forward.rules:1:", StringComparison.Ordinal) && line.Contains("did you mean '$data'?", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_server_is_not_asked_for_anything_when_its_rules_are_refused()
    {
        await using LiveSession session = LiveSession.Start(Installation.Fake, [], ["/bin/sh", "-c", "echo ready; read line"]);
        await session.Line();
        Write("forward.rules", "rule raed(5) => nothing\n");
        Result update = await session.Verb("update", "--to", "/bin/true", "--rules", _folder);
        Assert.Equal((int)ExitStatus.UpdateRefused, update.Status);
        Assert.Contains("The update was refused, the server is untouched: the rules can't be used:", update.Errors, StringComparison.Ordinal);
        Assert.Contains($"\n{_folder}/forward.rules:1:6: error: no call is named 'raed' (did you mean 'read'?)\n    rule raed(5) => nothing\n         ^\n", update.Errors, StringComparison.Ordinal);
        SessionStatus status = await session.Status();
        Assert.Empty(status.History);
        using SharedMemory memory = SharedMemory.Open(session.Name, status.Leader!.Pid, writable: false);
        Assert.Equal(0u, memory.Memory.Control.RequestNumber.Value);
    }

    /// <summary>What could go wrong: the leader carries it out an hour later, when nobody expects it.</summary>
    [Fact]
    public async Task A_promotion_for_which_the_main_thread_does_not_come_is_taken_back_and_says_where_it_should_have_come()
    {
        await using LiveSession session = LiveSession.Start(Installation.Fake, [], ["/bin/sh", "-c", "echo ready; read line"], ("FAKE_POINT", "232"));
        await session.Line();
        await LiveSession.Client.FollowAsync(session.Name, default);
        Result promote = await session.Verb("promote");
        Assert.Equal((int)ExitStatus.ServerUnresponsive, promote.Status);
        Assert.Contains("has not come to its update point (epoll_wait) within 10 s (its last call was read); the server is untouched", promote.Errors, StringComparison.Ordinal);
        using SharedMemory memory = SharedMemory.Open(session.Name, (await session.Status()).Leader!.Pid, writable: false);
        ControlBlock control = memory.Memory.Control;
        long begin = Stopwatch.GetTimestamp();
        while (control.AnsweredNumber != 3) /* to follow, to promote, and not to */
        {
            Assert.True(Stopwatch.GetElapsedTime(begin) < LiveSession.Patience, "the request was not taken back");
            await Task.Delay(10);
        }
        await LiveSession.Client.UnfollowAsync(session.Name, 0, false, default);
    }
}

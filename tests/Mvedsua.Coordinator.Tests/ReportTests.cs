using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Mvedsua.Abi;
using Mvedsua.Abi.Calls;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Reports;
using Mvedsua.Coordinator.Sessions;
using Mvedsua.Coordinator.Updates;
using Mvedsua.Rules.Events;
using Mvedsua.Update.Linking;

namespace Mvedsua.Coordinator.Tests;

/// <summary>The parts of reports that need no process.</summary>
public sealed class ReportTests
{
    private static readonly CallRow Write = CallTable.ByName("write")!;

    private static byte[] Payload(params (byte Argument, string Text)[] segments)
    {
        var bytes = new List<byte>();
        foreach ((byte argument, string text) in segments)
        {
            byte[] header = new byte[8];
            BinaryPrimitives.WriteInt32LittleEndian(header, text.Length);
            header[4] = argument;
            bytes.AddRange(header);
            bytes.AddRange(Encoding.Latin1.GetBytes(text));
            while (bytes.Count % 8 != 0) bytes.Add(0);
        }
        return [.. bytes];
    }

    private static DivergenceReport Report(string reason) => new("s", DateTimeOffset.UnixEpoch, reason, "A sentence.", 1, null,
        new DivergenceSide([], []), new DivergenceSide([], []), []);

    [Fact]
    public void Equal_payloads_have_no_difference() =>
        Assert.Null(PayloadDifference.Find(Write, Payload((1, "+OK\r\n")), Payload((1, "+OK\r\n"))));

    [Fact]
    public void The_first_differing_byte_is_named_with_its_argument()
    {
        PayloadDifference difference = PayloadDifference.Find(Write, Payload((1, "count:1234")), Payload((1, "count:1244")))!;
        Assert.Equal((1, 8), (difference.Argument, difference.Offset));
        Assert.Equal("63 6f 75 6e 74 3a 31 32 [33] 34  |count:1234|", PayloadDifference.Show(difference.Leader, difference.Offset));
    }

    [Fact]
    public void A_shorter_payload_differs_where_it_ends()
    {
        PayloadDifference difference = PayloadDifference.Find(Write, Payload((1, "abc")), Payload((1, "abcd")))!;
        Assert.Equal(3, difference.Offset);
        Assert.StartsWith("ends here, after 3 bytes", PayloadDifference.Show(difference.Leader, 3), StringComparison.Ordinal);
    }

    /// <summary>A report has room for 8 KiB of a record, also where it begins with a long answer.</summary>
    [Fact]
    public unsafe void Of_a_record_that_was_cut_the_bytes_that_are_there_are_shown()
    {
        byte[] payload = Payload((1, "+OK " + new string('x', 9000)));
        var header = new MvEvent { Call = (ushort)Write.Number, Result = 9004, Size = (uint)(sizeof(MvEvent) + payload.Length), InSize = (uint)payload.Length };
        (header.Args[0], header.Args[1], header.Args[2]) = (7, 0x5000, 9004);
        header.Check = LogChecks.OfEvent(in header);
        byte[] record = [.. MemoryMarshal.AsBytes(new ReadOnlySpan<MvEvent>(in header)), .. payload];
        string shown = Sides.Decode(0, 1, RecordedEvent.From(record.AsSpan(0, (int)MvAbi.DivergenceBytes))!).ToString();
        Assert.StartsWith("write(7, \"+OK xxxx", shown, StringComparison.Ordinal);
        Assert.EndsWith("\"..., 9004) = 9004", shown, StringComparison.Ordinal);
    }

    [Fact]
    public void Parts_of_a_structure_that_are_never_compared_are_no_difference()
    {
        CallRow call = CallTable.ByName("epoll_ctl")!;
        int argument = call.Arguments.Select((a, i) => (a, i)).First(p => p.a.Structure.Opaque.Count > 0).i;
        StructRow structure = call.Arguments[argument].Structure;
        byte[] one = new byte[structure.Size], other = new byte[structure.Size];
        other[structure.Opaque[0].Offset] = 7;
        Assert.Null(PayloadDifference.Find(call, Payload(((byte)argument, Encoding.Latin1.GetString(one))),
            Payload(((byte)argument, Encoding.Latin1.GetString(other)))));
    }

    [Fact]
    public void A_number_in_a_statistics_reply_is_named_as_the_likeliest_cause()
    {
        PayloadDifference difference = PayloadDifference.Find(Write, Payload((1, "# Memory\r\nused_memory:100\r\nx:1\r\n")),
            Payload((1, "# Memory\r\nused_memory:108\r\nx:1\r\n")))!;
        IReadOnlyList<string> causes = Causes.Guess(new Evidence(MvDifference.Bytes, [], 1, 1, difference, 1));
        Assert.Contains("'used_memory'", causes[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Threads_are_suspected_only_when_there_are_some()
    {
        static bool Suspects(int threads) => Causes.Guess(new Evidence(MvDifference.Call, [], 0, 1, null, threads))
            .Any(c => c.Contains("data race", StringComparison.Ordinal));
        Assert.True(Suspects(5));
        Assert.False(Suspects(1));
    }

    private static CallRecord Record(string call, params (byte Argument, string Text)[] sent) => CallRecord.From(
        new CallEvent { Number = CallTable.ByName(call)!.Number, Arguments = [5, 0, 0, 0, 0, 0], InPayload = Payload(sent), Result = sent.Sum(s => s.Text.Length) }, 1)!;

    [Fact]
    public void It_is_said_why_each_rule_did_not_apply_and_in_which_file_they_stand()
    {
        var file = new RulesFile("/srv/forward.rules", "rule \"pieces\"\n  (write($fd, +$data))+ => writev($fd, $data)\nrule \"dropped\" close($fd) => nothing\n");
        CallRecord[] leader = [Record("write", (1, "ab")), Record("write", (1, "c"))];
        RulesInForce rules = RulesSection.Build(file, 1, leader, Record("writev", (1, "abd")).AsCall());
        Assert.Equal("/srv/forward.rules", rules.File);
        Assert.Contains(rules.Tried, line => line.StartsWith("\"pieces\" (1:1) does not apply: ", StringComparison.Ordinal));
        Assert.Contains(rules.Tried, line => line.StartsWith("\"dropped\" (3:1) does not apply: ", StringComparison.Ordinal));
    }

    [Fact]
    public void Rules_that_agree_when_tried_anew_are_told_so()
    {
        var file = new RulesFile("/srv/forward.rules", "rule write($fd, $data) => writev($fd, $data)\n");
        RulesInForce rules = RulesSection.Build(file, 1, [Record("write", (1, "ab"))], Record("writev", (1, "ab")).AsCall());
        Assert.StartsWith("Tried anew they agree", rules.Tried[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_call_that_can_not_be_read_leaves_the_files_name()
    {
        RulesInForce rules = RulesSection.Build(new RulesFile("/srv/reverse.rules", "rule close(5) => nothing"), 1, [], null);
        Assert.Equal("/srv/reverse.rules", rules.File);
        Assert.Empty(rules.Tried);
    }

    [Fact]
    public void The_last_16_reports_are_kept_and_the_newest_is_given()
    {
        string folder = Directory.CreateTempSubdirectory("mvedsua-reports-").FullName;
        try
        {
            var store = new ReportStore(folder);
            Assert.Null(store.Last());
            for (int i = 1; i <= 20; i++) store.Store(Report($"r{i}"));
            Assert.Equal("r20", store.Last()!.Reason);
            string[] names = [.. Directory.GetFiles(folder).Select(Path.GetFileName).OfType<string>()];
            Assert.Equal(Enumerable.Range(5, 16).Select(i => $"report-{i}.json").Order(), names.Order());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void A_damaged_report_does_not_hide_the_one_before()
    {
        string folder = Directory.CreateTempSubdirectory("mvedsua-reports-").FullName;
        try
        {
            var store = new ReportStore(folder);
            store.Store(Report("good"));
            StoredReport bad = store.Store(Report("bad"));
            File.WriteAllText(bad.Path, "{");
            Assert.Equal("good", store.Last()!.Reason);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void A_file_built_anew_at_the_same_path_is_another_version()
    {
        var first = new ImageRange("/srv/server", "aa", 0x10000, 0x10000, 0x20000);
        ImageRange second = first with { BuildId = "bb", Base = 0x30000, Start = 0x30000, End = 0x40000 };
        Assert.Equal("/srv/server", DivergenceSection.OtherVersion([first, second], [first]));
        Assert.Equal("/srv/server", DivergenceSection.OtherVersion([first], [first, second]));
        Assert.Equal("/srv/server", DivergenceSection.OtherVersion([first], []));
        Assert.Equal("the one that was started", DivergenceSection.OtherVersion([], [first]));
        Assert.Null(DivergenceSection.OtherVersion([first, second], [first with { }, second with { }]));
        Assert.Null(DivergenceSection.OtherVersion([], []));
    }

    [Fact]
    public void A_process_is_told_apart_from_a_later_one_with_its_pid()
    {
        ProcessIdentity self = ProcessIdentity.Of(Environment.ProcessId)!.Value;
        Assert.True(self.IsAlive);
        Assert.False((self with { StartTime = self.StartTime + 1 }).IsAlive);
        Assert.Null(ProcessIdentity.Of(0));
    }

    [Fact]
    public void A_report_that_can_not_be_written_can_still_be_read()
    {
        string folder = Directory.CreateTempSubdirectory("reports-").FullName;
        var store = new ReportStore(folder);
        store.Store(Report("older"));
        Directory.Delete(folder, recursive: true);
        Assert.ThrowsAny<IOException>(() => store.Store(Report("newer")));
        Assert.Equal("newer", store.Last()!.Reason);
        Directory.CreateDirectory(folder);
        store.Store(Report("newest"));
        Assert.Equal("newest", store.Last()!.Reason);
        Directory.Delete(folder, recursive: true);
    }
}

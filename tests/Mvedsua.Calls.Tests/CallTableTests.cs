using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Mvedsua.Abi.Calls;

namespace Mvedsua.Calls.Tests;

public sealed partial class CallTableTests
{
    private const string KernelHeader = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h";

    [Fact]
    public void Every_number_of_the_kernel_header_has_a_row_of_that_name()
    {
        var numbers = NumberPattern().Matches(File.ReadAllText(KernelHeader));
        Assert.True(numbers.Count > 300, "the header holds no table");
        foreach (Match match in numbers)
        {
            var number = int.Parse(match.Groups[2].ValueSpan, CultureInfo.InvariantCulture);
            Assert.Equal(match.Groups[1].Value, CallTable.ByNumber(number)?.Name);
        }
    }

    [Fact]
    public void Names_and_numbers_lead_to_the_same_row()
    {
        foreach (var row in CallTable.All)
        {
            Assert.Same(row, CallTable.ByNumber(row.Number));
            Assert.Same(row, CallTable.ByName(row.Name));
        }
        Assert.Null(CallTable.ByNumber(-1));
        Assert.Null(CallTable.ByNumber(337));
        Assert.Null(CallTable.ByNumber(100_000));
        Assert.Null(CallTable.ByName("no_such_call"));
    }

    [Fact]
    public void C_and_CSharp_read_every_row_the_same()
    {
        var expected = Repository.Run(Repository.Native("dump")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var actual = Dump().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        // The order of structures and commands carries no meaning; their contents do.
        Assert.Equal(expected.Order(StringComparer.Ordinal), actual.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_refused_call_is_seen_in_every_role()
    {
        foreach (var row in CallTable.All.Where(row => row.Class == CallClass.Refused))
            Assert.True(row.Flags.HasFlag(CallFlags.Special), row.Name);
        Assert.All(["io_uring_setup", "io_uring_enter", "io_uring_register", "ptrace"],
            name => Assert.Equal(CallClass.Refused, CallTable.ByName(name)!.Class));
    }

    [Fact]
    public void Calls_that_change_the_process_without_a_handler_are_only_the_plain_ones()
    {
        // Each of these needs the shim's eyes in the solo role; a row that lost the flag would let it run unseen.
        string[] special =
        [
            "clone", "clone3", "fork", "vfork", "execve", "execveat", "exit", "exit_group", "rt_sigreturn", "rt_sigaction",
            "rt_sigprocmask", "rt_sigsuspend", "rt_sigtimedwait", "ppoll", "pselect6", "epoll_pwait", "epoll_pwait2", "signalfd",
            "signalfd4", "mmap", "mprotect", "mremap", "pkey_mprotect", "shmat", "close", "close_range", "dup2", "dup3", "prctl",
            "seccomp", "set_robust_list", "set_tid_address", "sigaltstack", "io_pgetevents",
        ];
        foreach (var name in special) Assert.True(CallTable.ByName(name)!.Flags.HasFlag(CallFlags.Special), name);
        string[] plain = ["read", "write", "epoll_wait", "accept4", "rseq", "futex", "brk", "getpid"];
        foreach (var name in plain) Assert.False(CallTable.ByName(name)!.Flags.HasFlag(CallFlags.Special), name);
    }

    [Fact]
    public void A_call_that_only_each_version_makes_is_not_published()
    {
        string[] local = ["brk", "munmap", "madvise", "futex", "sched_yield", "membarrier", "rseq", "arch_prctl", "mlock", "sigaltstack"];
        foreach (var name in local) Assert.Equal(CallClass.Local, CallTable.ByName(name)!.Class);
    }

    [Fact]
    public void Every_set_that_a_row_names_exists()
    {
        string[] commandSets = ["ioctl", "fcntl", "prctl"];
        var sets = CallTable.All.SelectMany(row => row.Arguments)
            .Concat(new[] { ArgumentKind.FcntlArg, ArgumentKind.IoctlArg, ArgumentKind.PrctlArg }
                .SelectMany(CallTable.Commands).Select(command => command.Argument))
            .Select(argument => argument.Set).Where(set => set.Length > 0).Distinct().Except(commandSets).ToList();
        Assert.True(sets.Count > 30);
        foreach (var set in sets) Assert.True(NameSet.All.ContainsKey(set), set);
    }

    [Fact]
    public void An_unlisted_ioctl_is_described_by_its_number()
    {
        var row = CallTable.Command(ArgumentKind.IoctlArg, 0x80107a01)!;
        Assert.Equal((ArgumentKind.Out, 16), (row.Argument.Kind, row.Argument.Unit));
        Assert.Equal(ArgumentKind.InOut, CallTable.Command(ArgumentKind.IoctlArg, 0xc0107a01)!.Argument.Kind);
        Assert.Null(CallTable.Command(ArgumentKind.IoctlArg, 0x7a01));
        Assert.Null(CallTable.Command(ArgumentKind.FcntlArg, 0x80107a01));
    }

    private static string Dump()
    {
        var text = new StringBuilder();
        foreach (var structure in CallTable.Structs.Values.Prepend(StructRow.Bytes))
        {
            text.Append(CultureInfo.InvariantCulture, $"struct {structure.Name} {structure.Size}");
            foreach (var (offset, length) in structure.Opaque) text.Append(CultureInfo.InvariantCulture, $" {offset}+{length}");
            text.Append('\n');
        }
        for (var number = 0; number < 512; number++)
        {
            var row = CallTable.ByNumber(number);
            var special = row is null || row.Class == CallClass.Refused || row.Flags.HasFlag(CallFlags.Special);
            text.Append(CultureInfo.InvariantCulture, $"call {number} special={(special ? 1 : 0)}");
            if (row is not null)
            {
                text.Append(CultureInfo.InvariantCulture, $" {row.Name} {(uint)row.Flags} {(int)row.Class} {(int)row.Result}");
                text.Append(CultureInfo.InvariantCulture, $" in={Mask(row, IsInput):x} out={Mask(row, IsOutput):x}");
                foreach (var argument in row.Arguments) Append(argument);
            }
            text.Append('\n');
        }
        AppendCommands("fcntls", ArgumentKind.FcntlArg);
        AppendCommands("ioctls", ArgumentKind.IoctlArg);
        AppendCommands("prctls", ArgumentKind.PrctlArg);
        return text.ToString();

        void Append(ArgumentRow argument) => text.Append(CultureInfo.InvariantCulture,
            $" {(int)argument.Kind},{argument.LengthArgument},{(int)argument.When},{argument.Structure.Name},{argument.Unit},{argument.Limit}");

        void AppendCommands(string table, ArgumentKind kind)
        {
            foreach (var command in CallTable.Commands(kind))
            {
                text.Append(CultureInfo.InvariantCulture,
                    $"{table} {command.Value} {command.Name} {(uint)command.Flags} {(int)command.Class} {(int)command.Result}");
                Append(command.Argument);
                text.Append('\n');
            }
        }
    }

    private static int Mask(CallRow row, Func<ArgumentKind, bool> belongs) =>
        Enumerable.Range(0, row.Arguments.Count).Where(i => belongs(row.Arguments[i].Kind)).Sum(i => 1 << i);

    private static bool IsInput(ArgumentKind kind) =>
        kind >= ArgumentKind.Path && kind is not (ArgumentKind.Out or ArgumentKind.OutAll or ArgumentKind.OutLen or ArgumentKind.IovOut);

    private static bool IsOutput(ArgumentKind kind) => kind >= ArgumentKind.Path && kind is not (ArgumentKind.Path or ArgumentKind.Str
        or ArgumentKind.StrV or ArgumentKind.In or ArgumentKind.IovIn or ArgumentKind.MsgIn or ArgumentKind.SigSetArg or ArgumentKind.EpollEvent);

    [GeneratedRegex(@"^#define __NR_(\w+) (\d+)$", RegexOptions.Multiline)]
    private static partial Regex NumberPattern();
}

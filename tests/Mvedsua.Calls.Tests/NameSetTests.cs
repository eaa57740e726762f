using System.Text;
using Mvedsua.Abi.Calls;

namespace Mvedsua.Calls.Tests;

public sealed class NameSetTests
{
    // libc's headers hide the kernel's value of it on x86-64.
    private const string Hidden = "O_LARGEFILE";

    [Fact]
    public void Every_constant_has_the_value_of_the_system_headers()
    {
        var source = new StringBuilder("#define _GNU_SOURCE\n");
        string[] headers =
        [
            "errno.h", "fcntl.h", "poll.h", "sched.h", "signal.h", "time.h", "sys/epoll.h", "sys/eventfd.h", "sys/file.h",
            "sys/inotify.h", "sys/ipc.h", "sys/mman.h", "sys/random.h", "sys/resource.h", "sys/signalfd.h", "sys/socket.h",
            "sys/stat.h", "sys/time.h", "sys/timerfd.h", "sys/wait.h", "netinet/in.h", "netinet/tcp.h", "asm/prctl.h",
            "sys/ioctl.h", "sys/prctl.h", "linux/futex.h", "linux/falloc.h", "linux/seccomp.h", "linux/membarrier.h", "linux/fs.h",
            "linux/fiemap.h", "linux/close_range.h", "linux/sched.h", "linux/sockios.h", "linux/if_tun.h", "linux/nsfs.h",
            "linux/kvm.h", "linux/perf_event.h", "linux/userfaultfd.h", "asm/termbits.h",
        ];
        // termbits.h and the tty part of libc's sys/ioctl.h agree; including both is allowed.
        foreach (var header in headers) source.Append("#include <").Append(header).Append(">\n");
        var checks = 0;
        foreach (var (set, names) in NameSet.All)
            foreach (var (name, value) in names.Names)
                if (name != Hidden) Check(name, value, set);
        foreach (var kind in new[] { ArgumentKind.FcntlArg, ArgumentKind.IoctlArg, ArgumentKind.PrctlArg })
            foreach (var command in CallTable.Commands(kind)) Check(command.Name, command.Value, kind.ToString());
        Assert.True(checks > 800);
        // Names that these headers do not define, or define as enumeration constants alone, are passed over by #ifdef.
        var folder = Directory.CreateTempSubdirectory("mvedsua-names-");
        try
        {
            var path = Path.Combine(folder.FullName, "names.c");
            File.WriteAllText(path, source.ToString());
            Repository.Run("gcc", "-std=gnu11", "-Wno-overflow", "-fsyntax-only", path);
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        void Check(string name, long value, string set)
        {
            checks++;
            source.Append("#ifdef ").Append(name).Append("\n_Static_assert((unsigned)(").Append(name).Append(") == ")
                .Append((uint)value).Append("u, \"").Append(set).Append(' ').Append(name).Append("\");\n#endif\n");
        }
    }

    [Fact]
    public void Flags_are_joined_in_the_order_of_the_set()
    {
        var open = NameSet.Of("open");
        Assert.Equal("O_RDONLY", open.Format(0));
        Assert.Equal("O_RDWR|O_CREAT|O_APPEND", open.Format(0x442));
        Assert.Equal("O_WRONLY|O_SYNC", open.Format(0x101001));
        Assert.Equal("O_WRONLY|O_DSYNC", open.Format(0x1001));
        Assert.Equal("O_RDONLY|0x80000000", open.Format(0x80000000));
        Assert.Equal("0", NameSet.Of("msg").Format(0));
        Assert.Equal("F_OK", NameSet.Of("access").Format(0));
        Assert.Equal("PROT_READ|PROT_WRITE", NameSet.Of("prot").Format(3));
        Assert.Equal("MAP_PRIVATE|MAP_ANONYMOUS", NameSet.Of("map").Format(0x22));
        Assert.Equal("MAP_SHARED_VALIDATE|MAP_SYNC", NameSet.Of("map").Format(0x80003));
        Assert.Equal("FUTEX_WAIT|FUTEX_PRIVATE_FLAG", NameSet.Of("futex").Format(128));
        Assert.Equal("153", NameSet.Of("family").Format(153));
    }

    [Fact]
    public void Names_lead_to_values_and_back()
    {
        Assert.Equal(11, NameSet.Of("errno").ValueOf("EAGAIN"));
        Assert.Equal("Connection refused", NameSet.Of("errno").MessageOf(111));
        Assert.Equal("SIGSYS", NameSet.Of("signal").NameOf(31));
        Assert.Null(NameSet.Of("signal").ValueOf("SIGNOTHING"));
    }
}

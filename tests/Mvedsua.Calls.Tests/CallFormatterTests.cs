using System.Text;
using Mvedsua.Abi.Calls;

namespace Mvedsua.Calls.Tests;

public sealed class CallFormatterTests
{
    private const ulong Somewhere = 0x7f0000001000;

    [Fact]
    public void Buffers_are_quoted_and_shortened()
    {
        Assert.Equal("write(8, \"+OK\\r\\n\", 5) = 5", Print("write", [8, Somewhere, 5], 5, In().Add(1, "+OK\r\n"u8)));
        Assert.Equal("read(8, \"" + new string('a', 32) + "\"..., 16384) = 40",
            Print("read", [8, Somewhere, 16384], 40, output: In().Add(1, Encoding.ASCII.GetBytes(new string('a', 40)))));
        Assert.Equal("read(8, \"\", 16384) = 0", Print("read", [8, Somewhere, 16384], 0));
        Assert.Equal("write(1, \"\\0\\1\\0011\\377\\\"\\\\\", 7) = 7", Print("write", [1, Somewhere, 7], 7, In().Add(1, [0, 1, 1, (byte)'1', 255, (byte)'"', (byte)'\\'])));
        Assert.Equal("write(8, \"" + new string('a', 100) + "\", 100) = 100",
            CallFormatter.Format(Event("write", [8, Somewhere, 100], 100, In().Add(1, Encoding.ASCII.GetBytes(new string('a', 100))), null),
                CallFormatOptions.Full));
    }

    [Fact]
    public void Errors_have_name_and_message()
    {
        Assert.Equal("read(8, 0x7f0000001000, 16384) = -1 EAGAIN (Resource temporarily unavailable)",
            Print("read", [8, Somewhere, 16384], -11));
        Assert.Equal("getpid() = 4711", Print("getpid", [], 4711));
        Assert.Equal("getpid() = ?", Print("getpid", [], null));
        Assert.Equal("syscall_400(0, 0, 0x5, 0, 0, 0) = -1 ENOSYS (Function not implemented)",
            Print(400, [0, 0, 5, 0, 0, 0], -38, null, null));
        Assert.Equal("exit_group(3) = ?", Print("exit_group", [3], 0));
    }

    [Fact]
    public void Epoll()
    {
        var events = new byte[12];
        events[0] = 1;
        events[4] = 8;
        Assert.Equal("epoll_wait(5, [{events=EPOLLIN, data=0x8}], 10128, 100) = 1",
            Print("epoll_wait", [5, Somewhere, 10128, 100], 1, output: In().Add(1, events)));
        Assert.Equal("epoll_wait(5, [], 10128, -1) = 0", Print("epoll_wait", [5, Somewhere, 10128, 0xffffffff], 0));
        events[3] = 0x80;
        Assert.Equal("epoll_ctl(5, EPOLL_CTL_ADD, 8, {events=EPOLLIN|EPOLLET, data=0x8}) = 0",
            Print("epoll_ctl", [5, 1, 8, Somewhere], 0, In().Add(3, events)));
    }

    [Fact]
    public void Socket_addresses_of_each_family()
    {
        byte[] inet = [2, 0, 0x18, 0xeb, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        Assert.Equal("accept4(6, {sa_family=AF_INET, sin_port=htons(6379), sin_addr=inet_addr(\"127.0.0.1\")}, [128 => 16], " +
                     "SOCK_CLOEXEC|SOCK_NONBLOCK) = 9",
            Print("accept4", [6, Somewhere, Somewhere, 0x80800], 9, In().Words(2, 128), In().Add(1, inet).Words(2, 16)));
        byte[] inet6 = [10, 0, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];
        Assert.Equal("bind(3, {sa_family=AF_INET6, sin6_port=htons(80), sin6_flowinfo=htonl(0), " +
                     "inet_pton(AF_INET6, \"::1\", &sin6_addr), sin6_scope_id=0}, 28) = 0",
            Print("bind", [3, Somewhere, 28], 0, In().Add(1, inet6)));
        Assert.Equal("connect(3, {sa_family=AF_UNIX, sun_path=\"/run/x\"}, 110) = -1 ENOENT (No such file or directory)",
            Print("connect", [3, Somewhere, 110], -2, In().Add(1, "\u0001\0/run/x\0\0\0"u8)));
        Assert.Equal("connect(3, {sa_family=AF_UNIX, sun_path=@\"abc\"}, 6) = 0",
            Print("connect", [3, Somewhere, 6], 0, In().Add(1, "\u0001\0\0abc"u8)));
        Assert.Equal("getsockname(3, {sa_family=AF_UNIX}, [128 => 2]) = 0",
            Print("getsockname", [3, Somewhere, Somewhere], 0, In().Words(2, 128), In().Add(1, "\u0001\0"u8).Words(2, 2)));
    }

    [Fact]
    public void Open_shows_a_mode_only_where_it_counts()
    {
        Assert.Equal("openat(AT_FDCWD, \"/etc/hosts\", O_RDONLY|O_CLOEXEC) = 3",
            Print("openat", [0xffffff9c, Somewhere, 0x80000, 0x1234], 3, In().Text(1, "/etc/hosts")));
        Assert.Equal("openat(AT_FDCWD, \"dump.rdb\", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3",
            Print("openat", [0xffffff9c, Somewhere, 0x241, 0x1b6], 3, In().Text(1, "dump.rdb")));
        Assert.Equal("openat(AT_FDCWD, \"/tmp\", O_RDWR|O_TMPFILE, 0600) = 3",
            Print("openat", [0xffffff9c, Somewhere, 0x410002, 0x180], 3, In().Text(1, "/tmp")));
        Assert.Equal("open(\"log\", O_WRONLY|O_SYNC) = 3", Print("open", [Somewhere, 0x101001, 0], 3, In().Text(0, "log")));
    }

    [Fact]
    public void Waits_show_what_was_asked_and_what_is_ready()
    {
        byte[] asked = [3, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0];
        byte[] ready = [3, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 5, 0, 4, 0];
        Assert.Equal("poll([{fd=3, events=POLLIN}, {fd=4, events=POLLIN|POLLOUT}], 2, 1000) = 1 ([{fd=4, revents=POLLOUT}])",
            Print("poll", [Somewhere, 2, 1000], 1, In().Add(0, asked), In().Add(0, ready)));
        Assert.Equal("poll([{fd=3, events=POLLIN}, {fd=4, events=POLLIN|POLLOUT}], 2, 0) = 0 (Timeout)",
            Print("poll", [Somewhere, 2, 0], 0, In().Add(0, asked), In().Add(0, asked)));
        Assert.Equal("select(6, [3 5], NULL, NULL, {tv_sec=5, tv_usec=0}) = 1 (in [5], left {tv_sec=4, tv_usec=999})",
            Print("select", [6, Somewhere, 0, 0, Somewhere], 1, In().Longs(1, 0x28).Longs(4, 5, 0), In().Longs(1, 0x20).Longs(4, 4, 999)));
    }

    [Fact]
    public void Vectors_and_messages()
    {
        Assert.Equal("writev(7, [{iov_base=\"ab\", iov_len=2}, {iov_base=\"cde\", iov_len=3}], 3) = 5",
            Print("writev", [7, Somewhere, 3], 5, In().Add(1, "ab"u8, SegmentRole.Data).Add(1, "cde"u8, SegmentRole.Data)));
        byte[] control = [20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0];
        Assert.Equal("recvmsg(7, {msg_iov=[{iov_base=\"x\", iov_len=1}], msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, " +
                     "cmsg_type=SCM_RIGHTS, cmsg_data=[9]}], msg_flags=MSG_CMSG_CLOEXEC}, 0) = 1",
            Print("recvmsg", [7, Somewhere, 0], 1, In().Add(1, [0, 0, 0, 0], SegmentRole.NameLength),
                In().Add(1, [0, 0, 0, 0], SegmentRole.NameLength).Add(1, [0, 0, 0, 0x40], SegmentRole.Flags)
                    .Add(1, control, SegmentRole.Control).Add(1, "x"u8, SegmentRole.Data)));
        Assert.Equal("sendmmsg(7, [{msg_hdr={msg_iov=[{iov_base=\"a\", iov_len=1}]}, msg_len=1}, " +
                     "{msg_hdr={msg_iov=[{iov_base=\"b\", iov_len=1}]}}], 2, MSG_NOSIGNAL) = 1",
            Print("sendmmsg", [7, Somewhere, 2, 0x4000], 1, In().Add(1, "a"u8, SegmentRole.Data).Add(1, "b"u8, SegmentRole.Data, 1),
                In().Add(1, [1, 0, 0, 0], SegmentRole.MessageLength)));
    }

    [Fact]
    public void Commands_decide_what_their_argument_is()
    {
        Assert.Equal("fcntl(3, F_GETFL) = 0x8802 (flags O_RDWR|O_NONBLOCK|O_LARGEFILE)", Print("fcntl", [3, 3, 99], 0x8802));
        Assert.Equal("fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0", Print("fcntl", [3, 4, 0x802], 0));
        Assert.Equal("fcntl(3, F_SETFD, FD_CLOEXEC) = 0", Print("fcntl", [3, 2, 1], 0));
        Assert.Equal("fcntl(3, F_DUPFD_CLOEXEC, 10) = 10", Print("fcntl", [3, 1030, 10], 10));
        Assert.Equal("ioctl(3, FIONBIO, [1]) = 0", Print("ioctl", [3, 0x5421, Somewhere], 0, In().Words(2, 1)));
        Assert.Equal("ioctl(1, TIOCGWINSZ, {ws_row=24, ws_col=80, ws_xpixel=0, ws_ypixel=0}) = 0",
            Print("ioctl", [1, 0x5413, Somewhere], 0, output: In().Add(2, [24, 0, 80, 0, 0, 0, 0, 0])));
        Assert.Equal("ioctl(1, TCGETS, 0x7f0000001000) = -1 ENOTTY (Inappropriate ioctl for device)",
            Print("ioctl", [1, 0x5401, Somewhere], -25));
        Assert.Equal("ioctl(1, 0x7a01, 0x5) = -1 ENOTTY (Inappropriate ioctl for device)", Print("ioctl", [1, 0x7a01, 5], -25));
        Assert.Equal("prctl(PR_SET_NAME, \"bio_close\") = 0", Print("prctl", [15, Somewhere, 77, 88, 99], 0, In().Text(1, "bio_close")));
        Assert.Equal("setsockopt(8, SOL_TCP, TCP_NODELAY, [1], 4) = 0", Print("setsockopt", [8, 6, 1, Somewhere, 4], 0, In().Words(3, 1)));
        Assert.Equal("getsockopt(8, SOL_SOCKET, SO_ERROR, [0], [4]) = 0",
            Print("getsockopt", [8, 1, 4, Somewhere, Somewhere], 0, In().Words(4, 4), In().Words(3, 0).Words(4, 4)));
    }

    [Fact]
    public void Signals_clocks_and_processes()
    {
        Assert.Equal("kill(4711, SIGTERM) = 0", Print("kill", [4711, 15], 0));
        Assert.Equal("rt_sigprocmask(SIG_BLOCK, [INT TERM], [], 8) = 0",
            Print("rt_sigprocmask", [0, Somewhere, Somewhere, 8], 0, In().Longs(1, 0x4002), In().Longs(2, 0)));
        Assert.Equal("rt_sigprocmask(SIG_SETMASK, ~[], NULL, 8) = 0", Print("rt_sigprocmask", [2, Somewhere, 0, 8], 0, In().Longs(1, -1)));
        Assert.Equal("rt_sigaction(SIGPIPE, {sa_handler=SIG_IGN, sa_mask=[PIPE], sa_flags=SA_RESTORER|SA_RESTART, " +
                     "sa_restorer=0x7f0000002000}, NULL, 8) = 0",
            Print("rt_sigaction", [13, Somewhere, 0, 8], 0, In().Longs(1, 1, 0x14000000, 0x7f0000002000, 0x1000)));
        Assert.Equal("clock_gettime(CLOCK_MONOTONIC, {tv_sec=12, tv_nsec=345}) = 0",
            Print("clock_gettime", [1, Somewhere], 0, output: In().Longs(1, 12, 345)));
        Assert.Equal("nanosleep({tv_sec=5, tv_nsec=0}, {tv_sec=4, tv_nsec=9}) = -1 EINTR (Interrupted system call)",
            Print("nanosleep", [Somewhere, Somewhere], -4, In().Longs(0, 5, 0), In().Longs(1, 4, 9)));
        Assert.Equal("wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 3}], WNOHANG, NULL) = 99",
            Print("wait4", [ulong.MaxValue, Somewhere, 1, 0], 99, output: In().Words(1, 0x300)));
        Assert.Equal("wait4(-1, 0x7f0000001000, WNOHANG, NULL) = 0", Print("wait4", [ulong.MaxValue, Somewhere, 1, 0], 0));
        Assert.Equal("clone(CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, NULL, NULL, 0x7f0000001000, NULL) = 99",
            Print("clone", [0x1200011, 0, 0, Somewhere, 0], 99));
        Assert.Equal("execve(\"/bin/sh\", [\"sh\", \"-c\"], [\"A=b\"]) = 0",
            Print("execve", [Somewhere, Somewhere, Somewhere], 0, In().Text(0, "/bin/sh")
                .Add(1, "sh\0"u8, SegmentRole.String).Add(1, "-c\0"u8, SegmentRole.String).Add(2, "A=b\0"u8, SegmentRole.String)));
        Assert.Equal("prlimit64(0, RLIMIT_NOFILE, NULL, {rlim_cur=1024, rlim_max=RLIM64_INFINITY}) = 0",
            Print("prlimit64", [0, 7, 0, Somewhere], 0, output: In().Longs(3, 1024, -1)));
        Assert.Equal("umask(022) = 077", Print("umask", [18], 63));
    }

    [Fact]
    public void Arguments_come_one_by_one_with_their_names()
    {
        var arguments = CallFormatter.Arguments(Event("write", [8, Somewhere, 2], 2, In().Add(1, "ok"u8), null));
        Assert.Equal([new("fd", "8"), new("buf", "\"ok\""), new("count", "2")], arguments);
    }

    [Fact]
    public void A_damaged_payload_never_throws()
    {
        var good = In().Add(1, "0123456789"u8).Bytes;
        var random = new Random(1);
        foreach (var row in CallTable.All)
        {
            for (var round = 0; round < 20; round++)
            {
                var bytes = new byte[random.Next(80)];
                random.NextBytes(bytes);
                for (var i = 0; i + 8 <= bytes.Length; i += 8)
                {
                    // Headers that are sometimes right, so that the bytes behind them are reached.
                    if (random.Next(2) == 0) continue;
                    good.AsSpan(0, 8).CopyTo(bytes.AsSpan(i));
                    (bytes[i], bytes[i + 4], bytes[i + 5]) = ((byte)random.Next(40), (byte)random.Next(6), (byte)random.Next(9));
                }
                ulong[] arguments = [.. Enumerable.Range(0, 6).Select(_ => (ulong)random.NextInt64() >> random.Next(64))];
                var line = CallFormatter.Format(new CallEvent
                {
                    Number = row.Number, Arguments = arguments, Result = random.Next(-200, 200), InPayload = bytes, OutPayload = bytes,
                });
                Assert.StartsWith(row.Name + "(", line, StringComparison.Ordinal);
            }
        }
    }

    private static PayloadBuilder In() => new();

    private static CallEvent Event(string name, ulong[] arguments, long? result, PayloadBuilder? input, PayloadBuilder? output) =>
        Event(CallTable.ByName(name)!.Number, arguments, result, input, output);

    private static CallEvent Event(long number, ulong[] arguments, long? result, PayloadBuilder? input, PayloadBuilder? output)
    {
        var all = new ulong[6];
        arguments.CopyTo(all, 0);
        return new() { Number = number, Arguments = all, Result = result, InPayload = input?.Bytes, OutPayload = output?.Bytes };
    }

    private static string Print(string name, ulong[] arguments, long? result, PayloadBuilder? input = null, PayloadBuilder? output = null) =>
        CallFormatter.Format(Event(name, arguments, result, input, output));

    private static string Print(long number, ulong[] arguments, long? result, PayloadBuilder? input, PayloadBuilder? output) =>
        CallFormatter.Format(Event(number, arguments, result, input, output));
}

using Mvedsua.Replication.Measuring;
using Mvedsua.Replication.Rows;

namespace Mvedsua.Replication;

/// <summary>All experiments, in the order in which they are run.</summary>
internal static class Experiments
{
    private const string OtherMachine = "Other hardware, other kernels; theirs had a core for every thread, here load generator, leader and followers share what cores there are.";
    private const string Cycles = "Theirs are cycles on their processor, ours nanoseconds on this one: compare what is added as a share of the native call.";

    internal static IReadOnlyList<Experiment> All { get; } =
    [
        new("getppid", "Interception of one call",
            "What the rewritten call site adds to one getppid under the library alone.", "bench/native/getppid.c, pairs of direct and intercepted calls in one process", "time a call",
            "Varan, table of system calls, intercepted: close 1261 → 1330 cycles, write of 512 B 1430 → 1564, read of 512 B 1486 → 1528, open 2583 → 2976. zpoline: 41 ns a hook, 31 with a short jump.",
            Cycles, 0.3, Sets.Both, GetppidRow.Measure),
        new("publish", "Publishing a record",
            "What one record of the event log costs, by the size of its payload.", "tests/native/log/bench.c: the library's own log code, no reader", "time a record",
            "", "", 0.5, Sets.Default, PublishRow.Measure),
        new("calls", "Calls by role",
            "What one call costs natively, solo, in the leader of a session with one follower, and what the follower uses for it.",
            "bench/native/call-bench.c: close of -1, write and read of 64 and 512 bytes (devices), open and close of /dev/null, time, clock_gettime, getppid, epoll_wait with one event ready, futex that wakes nobody", "the thread's own time a call; the follower's: all the time of its process until it is in step",
            "Varan, table of system calls, native, intercepted, leader, follower: close 1261, 1330, 1718, 257 cycles; write of 512 B 1430, 1564, 1994, 291; read of 512 B 1486, 1528, 3290, 1969; open 2583, 2976, 8788, 7342; time 49, 122, 429, 189.",
            Cycles, 0.8, Sets.Both, CallsRow.Measure),
        new("monitors", "The same call under other monitors",
            "getppid by the clock, since these work while the program waits: an empty preload library, two ptrace stops with nothing done there, strace -f -c, perf trace -s.", "bench/native/call-bench.c", "elapsed time a call",
            "", "", 0.5, Sets.Default, MonitorsRow.Measure),
        new("locks", "Order between threads",
            "What the recorded order between threads adds to a mutex that nobody contends for.", "bench/native/call-bench.c -t natively, solo, and as a leader with one follower", "the thread's own time for a lock and an unlock",
            "\"Taming parallelism\" (EuroSys 2017): 1.32 × the run time of PARSEC, whose locks' order is replicated.",
            "Theirs is the run time of whole programs, ours the cost of the one operation.", 0.5, Sets.Default, LocksRow.Measure),
        new("load", "Redis under load: steady state",
            "Processor time a request by role, and throughput, natively, solo and with one follower.", "redis-server without persistence; redis-benchmark, 50 clients, no pipelining, GET and SET", "CPU a request (scheduler's account), requests a second",
            "Mvedsua, table of the steady state (Redis, thousands a second): native 73; Varan's leader alone 68 (−8 %), Mvedsua's 69 (−6 %); with a follower 41 (−44 %) and 43 (−42 %). SaBRe: 2.8 % for interception alone.",
            OtherMachine + " Their Redis is 2.0, their load memtier with 90 % reads for 6 minutes.", 1.5, Sets.Both, LoadRows.Measure),
        new("steady", "Steady state, in the papers' layout",
            "Requests a second natively, under the library alone, as the leader of a session without follower, with leader and follower.", "memcached (4 threads), redis; bench/native/check-load, 50 connections, every answer checked", "requests a second",
            "Mvedsua, table of the steady state, thousands a second: Memcached 249, leader alone 226 (Varan's 234), leader and follower 121 (125); Redis 73, 69 (68), 43 (41).",
            OtherMachine + " Their load is memtier, 6 minutes, 90 % reads.", 1, Sets.None, SteadyRows.Measure),
        new("servers", "Other servers under load",
            "As above, for servers of other kinds.", "beanstalkd, lighttpd, nginx (one process), memcached (4 threads); bench/native/check-load, 50 connections, every answer checked", "CPU a request, requests a second",
            "Varan, slowdown factor with 0 and 1 follower: Beanstalkd 1.03, 1.09; Lighttpd 1.00, 1.06; Memcached 1.00, 1.13; Nginx 1.01, 1.38. SaBRe, interception alone: 0.3 % nginx, 0.9 % lighttpd, 1.0 % memcached.",
            OtherMachine, 2.5, Sets.None, ServerRows.Measure),
        new("http", "Web servers under wrk and ab",
            "Throughput natively, solo and with one follower under wrk and ab.", "lighttpd, nginx (one process); wrk with one thread, ab -k; 50 connections, a page of 4 KiB", "requests a second",
            "Varan, slowdown factor with 0 and 1 follower: Lighttpd 1.00, 1.06; Nginx 1.01, 1.38.",
            OtherMachine + " Their load may be another.", 2, Sets.None, HttpRows.Measure),
        new("followers", "Servers by number of followers",
            "Throughput and the leader's processor time natively, solo, and with 1, 2 and 3 followers.", "redis, beanstalkd, lighttpd, memcached (4 threads), nginx (one process); bench/native/check-load, 50 connections, every answer checked; rounds of half as many requests, at least 15,000", "requests a second, CPU a request",
            "Varan, figure of the servers on loopback, slowdown factor with 0, 1 and 6 followers: Beanstalkd 1.03, 1.09, 6.24; Lighttpd 1.00, 1.06, 1.35; Memcached 1.00, 1.13, 2.09; Nginx 1.01, 1.38, 2.56; Redis 1.01, 1.39, 3.41.",
            OtherMachine + " Mvedsua has three followers at most; no figures of 2 and 3 are at hand.", 3, Sets.Both, FollowersRows.Measure),
        new("latency", "What clients wait for",
            "Latency percentiles at a fixed rate, from the moment at which each request was due.", "redis, memcached (4 threads), lighttpd, beanstalkd; mvedsua-load (an open loop), 50 connections, 30 % of what a closed loop reaches natively, every answer checked", "time from when a request was due",
            "", "", 4, Sets.None, LatencyRows.Measure),
        new("start-up", "Start",
            "What the library, and a follower, add to the start of a server.", "redis-server, to its line that it is ready", "time, CPU",
            "", "", 0.5, Sets.Default, StartUpRow.Measure),
        new("idle", "An idle server",
            "Processor time of all processes of an idle server that is followed.", "redis-server with one follower, no client", "share of a core",
            "", "", 0.4, Sets.Default, IdleRow.Measure),
        new("fork", "The stop for a copy, by heap",
            "How long a program's own fork() takes, and how long the leader stands still for a follower, by touched heap, in pages of 4 KiB and of 2 MiB.", "bench/native/heap.c: 0, 64, 256, 1024 MB", "time",
            "", "", 0.5, Sets.Default, ForkRows.Measure),
        new("failover", "The leader is killed",
            "The longest request around a SIGKILL of the leader under load.", "redis with 250 MB and 8 MB of data, beanstalkd, lighttpd, nginx, memcached; 8 connections, every answer checked", "longest request",
            "Varan, a leader that crashes: Redis 42 → 123 µs for the request that crashes it, lighttpd about 5 ms.",
            "Theirs is a crash (SIGSEGV) at one known request of one client; ours a kill at any instant under the load of 8, all of whose requests are in flight. " + OtherMachine, 2, Sets.Both, FailoverRow.Measure),
        new("update", "Updates of Redis with a million keys",
            "The longest request at an update, a promotion and a rollback, and how long an update takes.", "redis 7.0.15 (Debian, built from source) u7 → u10 with 1 M keys; 50 connections, every answer checked", "longest request beyond native's, time",
            "Mvedsua, highest latency at the update of Redis 2.0.0 to 2.0.1 with 1 M entries: native 100 ms, Kitsune 5040, ring of 2^10 entries 7130, of 2^20 5330, of 2^24 117; 6.2 s for the update itself.",
            OtherMachine + " Theirs traverses the heap in the update (Kitsune); ours copies it. Their million entries take about 250 MB; what ours take is told in the rows.", 2.5, Sets.Default, UpdateRows.MeasureRedis)
            { Prepare = UpdateRows.Prepare },
        new("heaps", "Updates by heap and by log limit",
            "The longest request at an update, and how long it takes, for 0 to 4 M keys; and for small logs.", "redis 7.0.15 (Debian, built from source) u7 → u10; 50 connections, every answer checked", "longest request, time",
            "Mvedsua, figures of the update's latency by size of the store and of the ring; Redis with 1 M entries: ring of 2^10 entries 7130 ms, 2^20 5330, 2^24 117; update 6.2 s.",
            OtherMachine + " Where their ring is full the leader waits; here the new version is ended by name, and the leader goes on.", 2, Sets.None, UpdateRows.MeasureHeaps)
            { Prepare = UpdateRows.Prepare },
        new("update-kv", "Updates of the sample server",
            "An update that converts a million entries, how soon a wrong byte is found, what rules cost.", "tests/servers/kv 1.0, 1.1, 2.0", "time, CPU a request",
            "Kitsune: 3.7 s for 1 M keys of 1 kB in Redis, with forced traversal of the heap. Ring of 2^24 entries (Mvedsua): 6.2 s for the update.",
            "Another server, values of some 25 bytes; each entry's type changes here. " + OtherMachine, 0.8, Sets.Both, UpdateRows.MeasureKv),
        new("rules", "What each kind of rule costs",
            "The follower's processor time a request, by what one rule has to look at, against the session without rules.", "tests/servers/kv 1.0 and a rebuilt 1.0, which make the same calls: one read and one write a request", "CPU a request",
            "", "", 1, Sets.Default, RuleRows.Measure),
        new("timeline", "An update over time",
            "Throughput and longest request in each 100 ms: never updated; stopped, saved and started again; updated, promoted and committed.", "redis 7.0.15 (Debian, built from source) u7 → u10 with 1 M keys; 50 connections, every answer checked", "longest request in 100 ms, answers a second",
            "Mvedsua, figure of the update over time; highest latency: native 100 ms, ring of 2^24 entries 117 ms, promoted at once 3000 ms.",
            OtherMachine + " Theirs is 360 s long; this one's length is told in its rows.", 19, Sets.Default, UpdateRows.MeasureTimeline)
            { Prepare = UpdateRows.Prepare, Once = "each of its curves is one course of events; --seconds makes it longer" },
    ];

    /// <summary>Throws when there is none of that name.</summary>
    internal static Experiment Of(string name) => All.FirstOrDefault(e => e.Name == name) ?? throw new BenchException($"there is no experiment '{name}': 'mvedsua-bench list' names all");
}

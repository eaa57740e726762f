using System.Diagnostics;
using System.Net.Sockets;
using HdrHistogram;
using Mvedsua.OpenLoad;
using Mvedsua.OpenLoad.Protocols;

namespace Mvedsua.Bench.Tests.OpenLoad;

/// <summary>Bounds are those that follow from how the server behaves: a busy machine makes times longer, never shorter.</summary>
public sealed class GeneratorTests
{
    private const int Rate = 1000, Stalled = 1000;
    private static readonly TimeSpan _stall = TimeSpan.FromMilliseconds(200);

    /// <summary>The server stands still for 200 ms once. A request that was due k ms after the one at which it stands waits for at
    /// least 200 - k ms: hundreds of clients would have noticed, and so must the percentiles.</summary>
    [Fact]
    public void A_pause_is_in_the_latency_of_every_request_that_was_due_in_it()
    {
        using var server = new StallingServer(Stalled, _ => Thread.Sleep(_stall));
        var outcome = Generator.Run(Asked(server, Rate, 2));
        Assert.Empty(outcome.Faults);
        AssertAllAreAccountedFor(outcome, 2 * Rate);
        Assert.InRange(outcome.Latency.Max, 0.199, double.MaxValue);
        // 20 requests of the 2000 are above the p99, and 20 waited for 180 ms or more.
        Assert.InRange(outcome.Latency.P99, 0.179, double.MaxValue);
        Assert.InRange(Longer(outcome.Histogram!, 0.1), 100, long.MaxValue);
        Assert.InRange(Longer(outcome.Histogram!, 0.15), 50, long.MaxValue);
    }

    /// <summary>The same server, asked the way that hides it: the next request is sent when the last one was answered. So one request is on
    /// its way while the server stands still, and not the 200 that open-loop clients would have sent.</summary>
    [Fact]
    public void The_same_pause_is_in_one_request_of_a_closed_loop()
    {
        long from = 0, until = 0;
        using var server = new StallingServer(Stalled, _ =>
        {
            from = Stopwatch.GetTimestamp();
            Thread.Sleep(_stall);
            until = Stopwatch.GetTimestamp();
        });
        using var client = new TcpClient("127.0.0.1", server.Port) { NoDelay = true };
        var (http, bytes) = (new Http(), new byte[IConversation.LongestAnswer]);
        List<(long Begin, long End)> requests = [];
        for (var i = 0; i < 2 * Rate; i++)
        {
            var begin = Stopwatch.GetTimestamp();
            client.Client.Send(bytes, http.Write(bytes), SocketFlags.None);
            for (var got = 0; got == 0 || http.Read(bytes.AsSpan(0, got)) == 0;) got += client.Client.Receive(bytes.AsSpan(got));
            requests.Add((begin, Stopwatch.GetTimestamp()));
        }

        var stalled = Assert.Single(requests, r => r.Begin < until && r.End > from);
        Assert.InRange(stalled.End - stalled.Begin, 199_000_000, long.MaxValue);
    }

    [Fact]
    public void The_warm_up_is_not_counted()
    {
        using var server = new StallingServer(0, _ => { });
        var outcome = Generator.Run(Asked(server, Rate, 0.5) with { WarmUp = 0.3, Connections = 3 });
        Assert.Empty(outcome.Faults);
        AssertAllAreAccountedFor(outcome, 500);
        Assert.Equal(outcome.Answered, outcome.Histogram!.TotalCount);
    }

    [Fact]
    public void A_wrong_answer_is_counted_and_shown_and_ends_its_connection_alone()
    {
        using var server = new StallingServer(10, c => c.Send("HTTP/1.1 500 Oh no\r\n"u8));
        var outcome = Generator.Run(Asked(server, Rate, 0.5) with { Connections = 4 });
        Assert.Equal(1, outcome.WrongAnswers);
        Assert.Contains("and was by 'HTTP/1.1 500 Oh no", Assert.Single(outcome.Faults), StringComparison.Ordinal);
        Assert.Equal(ExitStatus.Failed, outcome.Status);
        // The connection's quarter, but for what was answered before.
        Assert.InRange(outcome.Unanswered + outcome.Untaken, 1, 125);
        AssertAllAreAccountedFor(outcome, 500);
    }

    /// <summary>The only request is sent at once, so nothing else can be on its way.</summary>
    [Fact]
    public void What_comes_when_nothing_was_asked_is_wrong()
    {
        using var server = new StallingServer(0, c => c.Send([.. StallingServer.Answer, .. "more"u8]));
        var outcome = Generator.Run(Asked(server, 1, 0.5));
        Assert.Equal((1, 1), (outcome.Answered, outcome.WrongAnswers));
        Assert.Contains("'more", Assert.Single(outcome.Faults), StringComparison.Ordinal);
        Assert.Contains("came when nothing was asked", outcome.Faults[0], StringComparison.Ordinal);
    }

    [Fact]
    public void A_connection_that_the_server_closes_is_a_fault_and_what_was_on_it_is_unanswered()
    {
        using var server = new StallingServer(10, c => c.Close());
        var outcome = Generator.Run(Asked(server, Rate, 0.5));
        Assert.Equal((0, ExitStatus.Failed), (outcome.WrongAnswers, outcome.Status));
        Assert.Single(outcome.Faults);
        Assert.InRange(outcome.Answered, 0, 10);
        Assert.InRange(outcome.Unanswered, 1, 500);
        AssertAllAreAccountedFor(outcome, 500);
    }

    /// <summary>What is not answered at all is slow, too.</summary>
    [Fact]
    public void Requests_that_were_given_up_stand_in_the_percentiles_with_the_time_they_waited()
    {
        using var never = new ManualResetEventSlim();
        using var server = new StallingServer(0, _ => never.Wait());
        var outcome = Generator.Run(Asked(server, 100, 0.5) with { Timeout = 1 });
        never.Set();
        Assert.Equal((0, ExitStatus.Failed), (outcome.Answered, outcome.Status));
        Assert.Contains("had no answer for 1 s", Assert.Single(outcome.Faults), StringComparison.Ordinal);
        Assert.InRange(outcome.Unanswered, 1, 50);
        Assert.InRange(outcome.Latency.Max, 0.999, double.MaxValue);
        Assert.Equal(outcome.Unanswered, outcome.Histogram!.TotalCount);
        AssertAllAreAccountedFor(outcome, 50);
    }

    /// <summary>A collection between two requests would make the generator late.</summary>
    [Fact]
    public void Nothing_is_allocated_for_a_request()
    {
        using var server = new StallingServer(0, _ => { });
        long AllocatedIn(double seconds)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            var outcome = Generator.Run(Asked(server, Rate, seconds));
            Assert.Empty(outcome.Faults);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        AllocatedIn(0.1); // what is made once, nearly all of it
        // 900 requests more: the smallest object has 24 bytes.
        var few = AllocatedIn(0.1);
        Assert.InRange(AllocatedIn(1) - few, long.MinValue, 900 * 8);
    }

    [Fact]
    public void An_outcome_in_JSON_is_the_same_outcome()
    {
        using var server = new StallingServer(0, _ => { });
        var outcome = Generator.Run(Asked(server, Rate, 0.1) with { PoissonSeed = 3 });
        var read = Outcome.FromJson(outcome.ToJson());
        Assert.Equal((outcome.Options, outcome.Latency, outcome.ServiceTime), (read.Options, read.Latency, read.ServiceTime));
        Assert.Equal((outcome.Answered, outcome.Late, outcome.Status), (read.Answered, read.Late, read.Status));
    }

    /// <summary>A server of another protocol.</summary>
    [Fact]
    public void A_server_that_speaks_something_else_is_told_before_the_load()
    {
        using var server = new StallingServer(0, c => c.Send("HTTP/1.1 400 Bad Request\r\n\r\n"u8));
        var e = Assert.Throws<LoadException>(() => Generator.Run(new LoadOptions("beanstalkd", server.Port, 100, 0.1) { Connections = 1 }));
        Assert.Equal(ExitStatus.Failed, e.Status);
        Assert.Contains("speak beanstalkd?", e.Message, StringComparison.Ordinal);
    }

    /// <summary>On a busy machine an answer may take seconds, which is not what is tested.</summary>
    private static LoadOptions Asked(StallingServer server, double rate, double seconds) =>
        new("http", server.Port, rate, seconds) { Connections = 1, WarmUp = 0, Timeout = 60 };

    private static void AssertAllAreAccountedFor(Outcome outcome, long scheduled)
    {
        Assert.Equal(scheduled, outcome.Scheduled);
        Assert.Equal(scheduled, outcome.Answered + outcome.Unanswered + outcome.Untaken + outcome.Skipped);
    }

    private static long Longer(HistogramBase histogram, double seconds) =>
        histogram.RecordedValues().Where(v => v.ValueIteratedTo >= seconds * 1e9).Sum(v => v.CountAtValueIteratedTo);
}

using System.Diagnostics;
using System.Net;
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
        var outcome = Generator.Run(new LoadOptions("http", server.Port, Rate, 2) { Connections = 1, WarmUp = 0 });
        Assert.Empty(outcome.Faults);
        Assert.Equal(2 * Rate, outcome.Scheduled);
        Assert.Equal(outcome.Scheduled, outcome.Answered + outcome.Skipped);
        Assert.InRange(outcome.Latency.Max, 0.199, double.MaxValue);
        // 20 requests of the 2000 are above the p99, and 20 waited for 180 ms or more.
        Assert.InRange(outcome.Latency.P99, 0.179, double.MaxValue);
        Assert.InRange(Longer(outcome.Histogram!, 0.1), 100, long.MaxValue);
        Assert.InRange(Longer(outcome.Histogram!, 0.15), 50, long.MaxValue);
    }

    /// <summary>The same server, asked the way that hides it: the next request is sent when the last one was answered.</summary>
    [Fact]
    public void The_same_pause_is_in_one_request_of_a_closed_loop()
    {
        using var server = new StallingServer(Stalled, _ => Thread.Sleep(_stall));
        using var client = new TcpClient("127.0.0.1", server.Port) { NoDelay = true };
        var (http, bytes) = (new Http(), new byte[IConversation.LongestAnswer]);
        var histogram = new LongHistogram(1, 60_000_000_000, 3);
        for (var i = 0; i < 2 * Rate; i++)
        {
            var begin = Stopwatch.GetTimestamp();
            client.Client.Send(bytes, http.Write(bytes), SocketFlags.None);
            for (var got = 0; got == 0 || http.Read(bytes.AsSpan(0, got)) == 0;) got += client.Client.Receive(bytes.AsSpan(got));
            histogram.RecordValue(Stopwatch.GetTimestamp() - begin);
        }

        Assert.InRange(Percentiles.Of(histogram).Max, 0.199, double.MaxValue);
        // One by the pause; more only if the machine itself stood still that often.
        Assert.InRange(Longer(histogram, 0.1), 1, 10);
    }

    [Fact]
    public void The_warm_up_is_not_counted()
    {
        using var server = new StallingServer(0, _ => { });
        var outcome = Generator.Run(new LoadOptions("http", server.Port, Rate, 0.5) { WarmUp = 0.3, Connections = 3 });
        Assert.Equal(500, outcome.Scheduled);
        Assert.Equal(500, outcome.Answered + outcome.Skipped);
        Assert.Equal(outcome.Answered, outcome.Histogram!.TotalCount);
    }

    [Fact]
    public void A_wrong_answer_is_counted_and_shown_and_ends_its_connection_alone()
    {
        using var server = new StallingServer(100, c => c.Send("HTTP/1.1 500 Oh no\r\n"u8));
        var outcome = Generator.Run(new LoadOptions("http", server.Port, Rate, 0.5) { WarmUp = 0, Connections = 4 });
        Assert.Equal(1, outcome.WrongAnswers);
        Assert.Contains("and was by 'HTTP/1.1 500 Oh no", Assert.Single(outcome.Faults), StringComparison.Ordinal);
        Assert.Equal(ExitStatus.Failed, outcome.Status);
        Assert.InRange(outcome.Untaken, 1, 150);
        Assert.Equal(outcome.Scheduled, outcome.Answered + outcome.Unanswered + outcome.Untaken + outcome.Skipped);
        Assert.InRange(outcome.Answered, 300, 499);
    }

    [Fact]
    public void What_comes_when_nothing_was_asked_is_wrong()
    {
        using var server = new StallingServer(499, c => c.Send([.. "HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n"u8, .. System.Text.Encoding.ASCII.GetBytes(ModelServer.Page()), .. "more"u8]));
        var outcome = Generator.Run(new LoadOptions("http", server.Port, Rate, 0.5) { WarmUp = 0, Connections = 1 });
        Assert.Equal(500, outcome.Answered);
        Assert.Equal(1, outcome.WrongAnswers);
        Assert.Contains("came when nothing was asked", Assert.Single(outcome.Faults), StringComparison.Ordinal);
    }

    [Fact]
    public void A_connection_that_the_server_closes_is_a_fault_and_what_was_on_it_is_unanswered()
    {
        using var server = new StallingServer(100, c => c.Close());
        var outcome = Generator.Run(new LoadOptions("http", server.Port, Rate, 0.5) { WarmUp = 0, Connections = 1 });
        Assert.Equal((0, ExitStatus.Failed), (outcome.WrongAnswers, outcome.Status));
        Assert.Equal(100, outcome.Answered);
        Assert.InRange(outcome.Unanswered, 1, 400);
        Assert.Equal(500, outcome.Scheduled);
        Assert.Equal(400, outcome.Unanswered + outcome.Untaken);
        Assert.Single(outcome.Faults);
    }

    /// <summary>What is not answered at all is slow, too.</summary>
    [Fact]
    public void Requests_that_were_given_up_stand_in_the_percentiles_with_the_time_they_waited()
    {
        using var never = new ManualResetEventSlim();
        using var server = new StallingServer(10, _ => never.Wait());
        var outcome = Generator.Run(new LoadOptions("http", server.Port, 100, 0.5) { WarmUp = 0, Connections = 1, Timeout = 0.5 });
        Assert.Equal((50, 10, ExitStatus.Failed), (outcome.Scheduled, outcome.Answered, outcome.Status));
        Assert.Equal(40, outcome.Unanswered + outcome.Untaken + outcome.Skipped);
        Assert.Contains("had no answer for 0.5 s", Assert.Single(outcome.Faults), StringComparison.Ordinal);
        Assert.InRange(outcome.Latency.Max, 0.5, double.MaxValue);
        never.Set();
    }

    [Fact]
    public void An_outcome_in_JSON_is_the_same_outcome()
    {
        using var server = new StallingServer(0, _ => { });
        var outcome = Generator.Run(new LoadOptions("http", server.Port, Rate, 0.1) { WarmUp = 0, PoissonSeed = 3 });
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

    private static long Longer(HistogramBase histogram, double seconds) =>
        histogram.RecordedValues().Where(v => v.ValueIteratedTo >= seconds * 1e9).Sum(v => v.CountAtValueIteratedTo);
}

using System.CommandLine;
using System.CommandLine.Parsing;
using Mvedsua.OpenLoad.Protocols;

namespace Mvedsua.OpenLoad;

/// <summary>The command line.</summary>
internal static class LoadCommand
{
    private const double LongestSeconds = 86400;

    /// <param name="run">What to do: the load, print JSON, the histogram's file or null; the exit status.</param>
    internal static RootCommand Create(Func<LoadOptions, bool, FileInfo?, ExitStatus> run)
    {
        var protocol = new Argument<string>("PROTOCOL") { Description = string.Join(", ", Conversations.Names) };
        protocol.AcceptOnlyFromAmong(Conversations.Names);
        var port = new Argument<int>("PORT") { Description = "Of the server, on 127.0.0.1" };
        var rate = new Option<double>("--rate") { Description = "Requests per second", HelpName = "N", Required = true };
        var seconds = new Option<double>("--seconds") { Description = "How long to measure", HelpName = "S", Required = true };
        var connections = new Option<int>("--connections") { Description = "Requests go over them in turn", HelpName = "C", DefaultValueFactory = _ => 50 };
        var warmUp = new Option<double>("--warm-up") { Description = "Seconds of load before what is measured", HelpName = "S", DefaultValueFactory = _ => 1 };
        var timeout = new Option<double>("--timeout") { Description = "Seconds after which an answer is not waited for", HelpName = "S", DefaultValueFactory = _ => 5 };
        var poisson = new Option<bool>("--poisson") { Description = "Send at random moments, as independent clients do, not at a constant interval" };
        var seed = new Option<int>("--seed") { Description = "Of the random moments", HelpName = "N", DefaultValueFactory = _ => 1 };
        var json = new Option<bool>("--json") { Description = "Print JSON; times in seconds" };
        var histogram = new Option<FileInfo?>("--histogram") { Description = "Write the latencies' distribution there, in µs, as HdrHistogram's plotter reads it", HelpName = "FILE" };
        var command = new RootCommand("Sends requests at fixed moments, whether or not earlier ones were answered, checks every answer, and tells how long they took.")
        {
            protocol, port, rate, seconds, connections, warmUp, timeout, poisson, seed, json, histogram,
        };
        command.Validators.Add(result =>
        {
            Range(result, port, 1, 65535);
            Range(result, rate, 0.1, LoadOptions.HighestRate);
            Range(result, seconds, 0.01, LongestSeconds);
            Range(result, connections, 1, LoadOptions.MostConnections);
            Range(result, warmUp, 0, LongestSeconds);
            Range(result, timeout, 0.1, 60);
            if (result.GetResult(seed) is { Implicit: false } && result.GetResult(poisson) is null) result.AddError("--seed needs --poisson");
        });
        command.SetAction(parsed => (int)run(
            new LoadOptions(parsed.GetRequiredValue(protocol), parsed.GetValue(port), parsed.GetValue(rate), parsed.GetValue(seconds))
            {
                Connections = parsed.GetValue(connections),
                WarmUp = parsed.GetValue(warmUp),
                Timeout = parsed.GetValue(timeout),
                PoissonSeed = parsed.GetValue(poisson) ? parsed.GetValue(seed) : null,
            },
            parsed.GetValue(json),
            parsed.GetValue(histogram)));
        return command;
    }

    private static void Range<T>(CommandResult result, Option<T> option, T least, T most)
        where T : IComparable<T> => Range(result, result.GetResult(option), option.Name, least, most);

    private static void Range<T>(CommandResult result, Argument<T> argument, T least, T most)
        where T : IComparable<T> => Range(result, result.GetResult(argument), argument.Name, least, most);

    /// <summary>What can't be read at all is told by the parser itself.</summary>
    private static void Range<T>(CommandResult result, SymbolResult? found, string name, T least, T most)
        where T : IComparable<T>
    {
        if (found is null || found.Errors.Any()) return;
        try
        {
            var value = found is OptionResult option ? option.GetValueOrDefault<T>() : ((ArgumentResult)found).GetValueOrDefault<T>();
            // Not the other way round: NaN is in no range.
            if (!(value.CompareTo(least) >= 0 && value.CompareTo(most) <= 0)) result.AddError($"{name} must be from {least} to {most}");
        }
        catch (InvalidOperationException)
        {
        }
    }
}

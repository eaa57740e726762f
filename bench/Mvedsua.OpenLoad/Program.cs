using HdrHistogram;
using Mvedsua.OpenLoad;

var parsed = LoadCommand.Create(Run).Parse(args);
if (parsed.Errors.Count > 0)
{
    foreach (var message in parsed.Errors.Select(e => e.Message.TrimEnd('.')).Distinct()) Console.Error.WriteLine($"mvedsua-load: {message}.");
    Console.Error.WriteLine("Try 'mvedsua-load --help'.");
    return (int)ExitStatus.Usage;
}

return parsed.Invoke();

static ExitStatus Run(LoadOptions options, bool json, FileInfo? file)
{
    try
    {
        // Opened before the load: a run that can't be kept would be for nothing.
        using var histogram = file?.CreateText();
        var outcome = Generator.Run(options);
        Console.Write(json ? outcome.ToJson() + "\n" : Report.Format(outcome));
        if (histogram is not null) outcome.Histogram!.OutputPercentileDistribution(histogram, outputValueUnitScalingRatio: 1000);
        return outcome.Status;
    }
    catch (LoadException e)
    {
        return Complain(e.Status, e.Message);
    }
    catch (Exception e) when (e is IOException or UnauthorizedAccessException)
    {
        return Complain(ExitStatus.OutputFailed, $"the output can't be written: {e.Message}");
    }
}

static ExitStatus Complain(ExitStatus status, string message)
{
    Console.Error.WriteLine($"mvedsua-load: {message}");
    return status;
}

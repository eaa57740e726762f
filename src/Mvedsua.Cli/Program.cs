using System.CommandLine;
using System.CommandLine.Invocation;
using Mvedsua.Cli;
using Mvedsua.Coordinator.Control;
using Mvedsua.Coordinator.Launch;

StandardStreams.Fill();
// Arguments of the server's command line are passed on as they stand: no response files ("@file").
var parsed = MvedsuaCommand.Create().Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
if (parsed.Action is ParseErrorAction) return UsageError.Report(parsed);
try
{
    // `run` passes signals on to the server; the other verbs end by them as any program does.
    return await parsed.InvokeAsync(new InvocationConfiguration
    {
        EnableDefaultExceptionHandler = false,
        ProcessTerminationTimeout = null,
    });
}
catch (LaunchRefusedException e)
{
    return Complain(ExitStatus.LaunchRefused, $"refused ({e.Refusal.Name}): {e.Message}");
}
catch (SessionException e)
{
    return Complain(e.Status, e.Message);
}
catch (DllNotFoundException)
{
    return Complain(ExitStatus.CheckFailed, "libelf.so.1 can't be loaded; install it (Debian: apt-get install libelf1).");
}
catch (IOException e) when (e.HResult == 32)
{
    return (int)ExitStatus.Ok; // EPIPE: whoever read the output has had enough
}
catch (Exception e) when ((e as IOException ?? e.InnerException as IOException) is { } failure)
{
    return Complain(ExitStatus.OutputFailed, $"the output can't be written: {failure.Message}.");
}
catch (Exception e)
{
    return Complain(ExitStatus.Internal, $"a fault in Mvedsua itself ({e.GetType().Name}): {e.Message.ReplaceLineEndings(" ")} {Place(e)}");
}

// For the report of the fault: where it was found.
static string Place(Exception e) => (e.StackTrace ?? "").Split('\n')[0].Trim();

static int Complain(ExitStatus status, string message)
{
    try
    {
        Console.Error.WriteLine($"mvedsua: {message}");
    }
    catch (Exception e) when (e is IOException or UnauthorizedAccessException)
    {
        // Nobody can be told: the status says it.
    }

    return (int)status;
}

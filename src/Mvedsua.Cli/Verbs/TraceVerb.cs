using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Mvedsua.Cli.Output;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Cli.Verbs;

/// <summary><c>mvedsua trace</c>: the leader's calls as they happen, from the event log.</summary>
internal static class TraceVerb
{
    internal static Command Create(ISessionClient client)
    {
        var name = SessionArgument.Required("The session");
        var json = new Option<bool>("--json") { Description = "Print one JSON object a line" };
        var command = new Command("trace", "Prints the server's system calls from now on, across followers and failovers, until interrupted.") { name, json };
        command.SetAction((parsed, _) => FollowAsync(client, parsed.GetRequiredValue(name), parsed.GetValue(json)));
        return command;
    }

    private static async Task<int> FollowAsync(ISessionClient client, string name, bool json)
    {
        using var interrupt = new Interrupt();
        // Thousands of lines a second: buffered, and flushed when nothing more is waiting.
        await using var output = Pipe.Open();
        var events = client.TraceAsync(name, interrupt.Token).GetAsyncEnumerator(interrupt.Token);
        await using (events)
        {
            while (true)
            {
                var next = interrupt.NextAsync(events);
                if (!next.IsCompleted) await FlushAsync(output, interrupt, next);
                if (!await next) return (int)ExitStatus.Ok;
                var line = json
                    ? JsonSerializer.Serialize(events.Current, ControlJson.Default.TraceEvent)
                    : string.Create(CultureInfo.InvariantCulture, $"[{events.Current.Thread}] {events.Current}");
                await output.WriteLineAsync(line);
            }
        }
    }

    // A stream of events must not be disposed while its next one is awaited: end the wait first.
    private static async Task FlushAsync(StreamWriter output, Interrupt interrupt, Task next)
    {
        try
        {
            await output.FlushAsync();
        }
        catch (IOException)
        {
            interrupt.End();
            await next;
            throw;
        }
    }
}

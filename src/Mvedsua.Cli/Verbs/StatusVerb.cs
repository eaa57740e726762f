using System.CommandLine;
using System.Text.Json;
using Mvedsua.Cli.Output;
using Mvedsua.Coordinator.Control;
using Spectre.Console;

namespace Mvedsua.Cli.Verbs;

/// <summary><c>mvedsua status</c>: one session, or all.</summary>
internal static class StatusVerb
{
    internal static Command Create(ISessionClient client)
    {
        var name = SessionArgument.Optional("The session (default: all)");
        var json = new Option<bool>("--json") { Description = "Print JSON" };
        var watch = new Option<bool>("--watch") { Description = "Go on printing the state as it changes, until interrupted" };
        var command = new Command("status", "Shows who leads, who follows, and how far behind.") { name, json, watch };
        command.Validate(result =>
        {
            if (result.GetValue(watch) && result.GetValue(name) is null) result.AddError("--watch needs the NAME of a session");
        });
        command.SetAction((parsed, cancel) => (parsed.GetValue(name), parsed.GetValue(watch), parsed.GetValue(json)) switch
        {
            (null, _, var plain) => AllAsync(client, plain, cancel),
            (var one, true, var plain) => WatchAsync(client, one, plain),
            (var one, false, var plain) => OneAsync(client, one, plain, cancel),
        });
        return command;
    }

    private static async Task<int> OneAsync(ISessionClient client, string name, bool json, CancellationToken cancel)
    {
        var status = await client.StatusAsync(name, cancel);
        if (json) Console.WriteLine(JsonSerializer.Serialize(status, PrettyJson.Default.SessionStatus));
        else Terminal.Create().Write(StatusTables.Details(status));
        return (int)ExitStatus.Ok;
    }

    private static async Task<int> AllAsync(ISessionClient client, bool json, CancellationToken cancel)
    {
        List<SessionStatus> found = [];
        foreach (var name in client.Names())
        {
            try
            {
                found.Add(await client.StatusAsync(name, cancel));
            }
            catch (SessionException e)
            {
                Console.Error.WriteLine($"mvedsua: {e.Message}");
            }
        }

        if (json) Console.WriteLine(JsonSerializer.Serialize(found.ToArray(), PrettyJson.Default.SessionStatusArray));
        else if (found.Count == 0) Console.WriteLine("No sessions; start one with 'mvedsua run'.");
        else Terminal.Create().Write(StatusTables.List(found));
        return (int)ExitStatus.Ok;
    }

    private static async Task<int> WatchAsync(ISessionClient client, string name, bool json)
    {
        using var interrupt = new Interrupt();
        var states = client.WatchAsync(name, interrupt.Token).GetAsyncEnumerator(interrupt.Token);
        await using (states)
        {
            if (json || Console.IsOutputRedirected)
            {
                await using var output = Pipe.Open();
                Pipe.WhenReaderGoes(interrupt.End);
                while (await interrupt.NextAsync(states))
                {
                    await output.WriteLineAsync(json
                        ? JsonSerializer.Serialize(states.Current, ControlJson.Default.SessionStatus)
                        : StatusTables.Line(states.Current));
                    await output.FlushAsync();
                }

                return (int)ExitStatus.Ok;
            }

            if (!await interrupt.NextAsync(states)) return (int)ExitStatus.Ok;
            await Terminal.Create().Live(StatusTables.Details(states.Current)).StartAsync(async live =>
            {
                live.Refresh();
                while (await interrupt.NextAsync(states)) live.UpdateTarget(StatusTables.Details(states.Current));
            });
        }

        return (int)ExitStatus.Ok;
    }
}

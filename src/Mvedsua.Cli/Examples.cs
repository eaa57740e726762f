using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Mvedsua.Cli;

/// <summary>The examples at the end of every verb's --help.</summary>
internal static class Examples
{
    private static readonly string _additional = "Additional Arguments:" + Environment.NewLine
        + "  Arguments passed to the application that is being run." + Environment.NewLine + Environment.NewLine;

    private static readonly Dictionary<string, string[]> _examples = new()
    {
        ["mvedsua"] = ["mvedsua doctor redis-server", "mvedsua run --name cache --follower -- redis-server --port 6379", "mvedsua status"],
        ["run"] =
        [
            "mvedsua run -- redis-server --port 6379",
            "mvedsua run --name cache --follower --log-limit 1GiB --lag-limit 2s -- redis-server",
            "mvedsua run --name cache --followers 2 -- redis-server",
        ],
        ["status"] = ["mvedsua status", "mvedsua status cache --json", "mvedsua status cache --watch"],
        ["follow"] = ["mvedsua follow cache"],
        ["unfollow"] = ["mvedsua unfollow cache", "mvedsua unfollow cache 4711", "mvedsua unfollow cache --all"],
        ["trace"] = ["mvedsua trace cache", "mvedsua trace cache --json | head -n 100"],
        ["report"] = ["mvedsua report cache", "mvedsua report cache --json"],
        ["promote"] = ["mvedsua promote cache", "mvedsua promote cache 4711", "mvedsua promote cache --wait 30s"],
        ["commit"] = ["mvedsua commit cache"],
        ["rollback"] = ["mvedsua rollback cache"],
        ["update"] = ["mvedsua update kv --to ./kv-2.0 --description update.description", "mvedsua update kv --to ./kv-2.0 --description rules/kv/1.0-2.0/update.description --rules rules/kv/1.0-2.0", "mvedsua update kv --to ./kv-2.0 --description kv.update --retry 5 --warm-up 5m --auto-promote --auto-commit", "mvedsua update --dry-run --from ./kv-1.0 --to ./kv-2.0", "mvedsua update cache --draft --to ./kv-2.0"],
        ["doctor"] = ["mvedsua doctor", "mvedsua doctor redis-server --port 6379"],
        ["inspect"] = ["mvedsua inspect /usr/bin/redis-server", "mvedsua inspect /lib/x86_64-linux-gnu/libc.so.6 --json"],
        ["rules"] = ["mvedsua rules check rules/kv", "mvedsua rules test rules/kv/1.0-2.0/forward.cases"],
        ["rules check"] = ["mvedsua rules check rules/kv/1.0-2.0/forward.rules"],
        ["rules explain"] = ["mvedsua rules explain --rules forward.rules --case \"PUT-number\" forward.cases"],
        ["rules infer"] = ["mvedsua rules infer old.trace new.trace > forward.rules"],
        ["rules test"] = ["mvedsua rules test rules/kv/1.0-2.0/forward.cases"],
        ["completion"] = ["eval \"$(mvedsua completion bash)\""],
        ["attach"] = ["mvedsua attach cache"],
    };

    /// <summary>Names of the verbs that have examples.</summary>
    internal static IReadOnlyCollection<string> Verbs => _examples.Keys;

    internal static void AddTo(RootCommand root)
    {
        // The default's other names ("/?", "-?") would be offered by the shell for every word.
        root.Options.Remove(root.Options.OfType<HelpOption>().Single());
        var option = new HelpOption("--help", "-h") { Recursive = true };
        option.Action = new HelpWithExamples((HelpAction)option.Action!);
        root.Options.Add(option);
    }

    private sealed class HelpWithExamples(HelpAction help) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            var configuration = parseResult.InvocationConfiguration;
            var output = configuration.Output;
            var text = new StringWriter();
            configuration.Output = text;
            var status = help.Invoke(parseResult);
            configuration.Output = output;
            // The parser's own usage line would put the server before the options.
            output.Write(text.ToString()
                .Replace("mvedsua run <COMMAND>... [options]", "mvedsua run [options] -- COMMAND...", StringComparison.Ordinal)
                .Replace("mvedsua doctor [<COMMAND>...] [options] [[--] <additional arguments>...]]", "mvedsua doctor [options] [COMMAND...]", StringComparison.Ordinal)
                .Replace(_additional, "", StringComparison.Ordinal));
            output.WriteLine("Examples:");
            var verb = MvedsuaCommand.PathOf(parseResult.CommandResult.Command);
            foreach (var example in _examples[verb.Length == 0 ? "mvedsua" : verb]) output.WriteLine($"  {example}");
            return status;
        }
    }
}

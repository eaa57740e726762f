using Mvedsua.Follower.Tests;
using Mvedsua.Tests;
using Mvedsua.Update.Tests.Servers;

namespace Mvedsua.Redis.Tests;

/// <summary>What tests of updates do with a Redis of Debian's sources.</summary>
public abstract class UpdatedRedis : LiveUpdates
{
    /// <summary>A digest of a million keys takes its time.</summary>
    private protected const int PatienceMs = 120_000;

    private protected static string[] Settings => ["--enable-debug-command", "yes"];

    private protected (RedisUnderMvedsua Server, string Other) Server(string pair, params string[] arguments)
    {
        (string old, string other) = RedisVersions.Build(pair);
        return (Server(old, RedisUnderMvedsua.Mode.Solo, ["--save", "\"\"", .. arguments]), other);
    }

    /// <summary>A Redis that listens already.</summary>
    private protected RedisUnderMvedsua Server(string program, RedisUnderMvedsua.Mode mode, string[] arguments, params string[] run)
    {
        RedisUnderMvedsua server = Start(mode, run: run, server: [program, "--port", "{port}", "--dir", "{folder}", .. Settings, .. arguments]);
        server.Answers();
        return server;
    }

    private protected static string Description(string pair) =>
        Path.Combine(DebianServer.Rules("redis"), pair.StartsWith('7') ? "7.0.15-u7-u10" : "8.0.2-8.0.6", "update.description");

    private protected static void Update(RedisUnderMvedsua server, string pair, string program) => Do(server, "update", Request(program, Description(pair)));

    /// <summary>The words behind `mvedsua update NAME`.</summary>
    private protected static string[] Request(string program, string description) => ["--to", program, "--description", description, "--rules", DebianServer.Rules("redis")];

    /// <summary>Beside a load that saves all the time, and that leaves the follower behind: both are waited for.</summary>
    private protected static void Promote(RedisUnderMvedsua server, int seconds = 60)
    {
        Host.Result result = server.Mvedsua("promote", RedisUnderMvedsua.Name, "--wait", $"{seconds}s");
        Assert.True(result.Status == 0, $"promote: {result.Output}{result.Errors}{server.History}");
    }

    /// <summary>A field of INFO.</summary>
    internal static string Info(RespClient client, string section, string field) =>
        client.Ok("INFO", section).Split("\r\n").Single(line => line.StartsWith(field + ":", StringComparison.Ordinal))[(field.Length + 1)..];

    public override void Dispose()
    {
        ITestContext context = TestContext.Current;
        if (context.TestState?.Result == TestResult.Failed && context.TestMethod is { } method)
            Tell($"again: MVEDSUA_LONG={Environment.GetEnvironmentVariable("MVEDSUA_LONG")} {Environment.ProcessPath} --no-ansi --filter-method '{method.TestClass.TestClassName}.{method.MethodName}'");
        base.Dispose();
        GC.SuppressFinalize(this);
    }
}

using Mvedsua.Drill.Kv;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Kv.Tests;

/// <summary>Where threads may stand when an update comes (tests/native/update/resting.c).</summary>
public sealed class RestingThreadsTests : UpdatedServers
{
    private static readonly string[] Ways = ["condition", "semaphore", "read", "poll", "sleep", "signal"];

    [Fact]
    public void Threads_go_on_from_whichever_wait_they_rest_in()
    {
        RedisUnderMvedsua server = Server(out string other);
        using var line = new KvLine(server.Port);
        int count = 0;
        AskAll();
        Updated(server, other, "resume serve(&state)\n");
        AskAll();
        Agrees(server);
        Do(server, "promote");
        AskAll();
        Agrees(server);
        Do(server, "commit");
        AskAll();

        void AskAll()
        {
            for (int i = 0; i < 20; i++, count++)
                foreach (string way in Ways) Assert.Equal($"{way} text{count} {count + 1}", line.Ask($"{way} text{count}"));
        }
    }

    [Theory]
    [InlineData("lock")]
    [InlineData("join")]
    public void A_thread_that_waits_for_a_lock_or_another_thread_is_named_and_the_server_is_left_alone(string how)
    {
        RedisUnderMvedsua server = Server(out string other);
        using var line = new KvLine(server.Port);
        Assert.Equal("blocked", line.Ask(how));
        Host.Result result = Update(server, other, "resume serve(&state)\n");
        Assert.True(result.Status == 71, result.Errors);
        Assert.Matches("The server's threads did not all rest at once within 10 s \\(at last, thread [0-9]+ waits for a lock, a barrier or the end of another thread\\); the server is untouched", result.Errors);
        Assert.Equal("condition text 1", line.Ask("condition text"));
        Assert.Equal("free", line.Ask("free"));
        Updated(server, other, "resume serve(&state)\n");
        Assert.Equal("condition text 2", line.Ask("condition text"));
        Agrees(server);
    }

    private RedisUnderMvedsua Server(out string other)
    {
        RedisUnderMvedsua server = Start(RedisUnderMvedsua.Mode.Solo, prepare: s => Compile(s, "resting", "-O2"), server: ["{folder}/resting", "{port}"]);
        Compile(server, "other", "-O1");
        other = Path.Combine(server.Folder, "other");
        server.Answers();
        return server;
    }

    private static void Compile(RedisUnderMvedsua server, string name, string flag)
    {
        Host.Result gcc = Host.Run(server.Folder, "gcc", flag, "-g", "-Wall", "-Wextra", "-Werror", "-pthread", "-Wl,--emit-relocs", "-o", name, Path.Combine(Host.Root, "tests/native/update/resting.c"));
        Assert.True(gcc.Status == 0, gcc.Errors);
    }
}

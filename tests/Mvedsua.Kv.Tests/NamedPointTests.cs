using Mvedsua.Drill.Kv;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Kv.Tests;

/// <summary>A program that names its update points and is resumed at main (tests/native/update/points.c).</summary>
public sealed class NamedPointTests : UpdatedServers
{
    [Theory]
    [InlineData("", "")] /* in a wait, or at whichever point it comes to first */
    [InlineData("update at poll", "")]
    [InlineData("update at point answered", "answered")]
    public async Task A_new_version_is_made_where_the_description_says_and_goes_on_at_main(string description, string point)
    {
        RedisUnderMvedsua server = Server(out string other);
        using var line = new KvLine(server.Port);
        int count = 0;
        Ask();
        Task<Host.Result> update = Task.Run(() => Update(server, other, description));
        /* It comes to a point of its own only when it has something to do. */
        while (point.Length > 0 && !update.IsCompleted) Ask();
        Host.Result result = await update;
        Assert.True(result.Status == 0, result.Errors);
        Ask();
        Agrees(server);
        Do(server, "promote");
        Ask();
        Agrees(server);
        Do(server, "promote");
        Ask();
        Agrees(server);
        Do(server, "promote");
        Do(server, "commit");
        Ask();
        Assert.Equal("2", line.Ask("version"));

        void Ask()
        {
            for (int i = 0; i < 20; i++) Assert.Equal($"text {++count}", line.Ask("text"));
            Assert.Equal($"{server.Port}", line.Ask("argument"));
        }
    }

    [Fact]
    public void A_server_that_does_not_come_to_its_point_is_left_alone_and_the_point_is_named()
    {
        RedisUnderMvedsua server = Server(out string other);
        using var line = new KvLine(server.Port);
        Assert.Equal("text 1", line.Ask("text"));
        Host.Result result = Update(server, other, "update at point answered");
        Assert.True(result.Status == 71, result.Errors);
        Assert.Contains("The server's main thread has not come to its update point answered within 10 s (its last call was ", result.Errors, StringComparison.Ordinal);
        for (int i = 2; i < 20; i++) Assert.Equal($"text {i}", line.Ask("text")); /* it comes to it now: too late */
        Assert.Equal(0, server.FollowerPid);
        Updated(server, other, "update at poll");
        Agrees(server);
    }

    /// <summary>Where it goes on is found in a system call; at the program's own points nothing is known of main's frame.</summary>
    [Theory]
    [InlineData("update at point answered", 75, "it is found in a system call in which the main thread waits, and the description wants the update at a point of the program's")]
    [InlineData("", 76, "the copy was made at an update point of the program's, which is no system call")]
    public async Task A_program_that_does_not_go_on_at_main_needs_a_resume_at_its_points(string description, int status, string why)
    {
        RedisUnderMvedsua server = Start(RedisUnderMvedsua.Mode.Solo, prepare: s => Compile(s, "points", 1, "-DWAITS_IN_READ"), server: ["{folder}/points", "{port}"]);
        Compile(server, "unasking", 2, "-Dmvedsua_is_updating=unasked");
        server.Answers();
        using var line = new KvLine(server.Port);
        int count = 0;
        Task<Host.Result> update = Task.Run(() => Update(server, Path.Combine(server.Folder, "unasking"), description));
        while (!update.IsCompleted) Assert.Equal($"text {++count}", line.Ask("text"));
        Host.Result result = await update;
        Assert.True(result.Status == status, $"{result.Status} {result.Errors}");
        Assert.Contains($"unasking goes on is not known: {why}. Name the function of its main loop in a description ('resume serve(&server)')", result.Errors, StringComparison.Ordinal);
        Assert.Equal($"text {++count}", line.Ask("text"));
        Assert.Equal(0, server.FollowerPid);
    }

    [Fact]
    public void A_main_loop_that_can_not_be_called_anew_is_refused_by_name_and_the_server_goes_on()
    {
        RedisUnderMvedsua server = Server(out _);
        Compile(server, "unasking", 2, "-Dmvedsua_is_updating=unasked");
        using var line = new KvLine(server.Port);
        Assert.Equal("text 1", line.Ask("text"));
        Host.Result result = Update(server, Path.Combine(server.Folder, "unasking"), "update at poll");
        Assert.True(result.Status == 76, $"{result.Status} {result.Errors}");
        Assert.Contains("The update failed, the server goes on unchanged: where ", result.Errors, StringComparison.Ordinal);
        Assert.Contains("unasking goes on is not known: main itself has the loop: it may call answer(), in which the main thread waits, again. Name ", result.Errors, StringComparison.Ordinal);
        Assert.Equal("text 2", line.Ask("text"));
    }

    [Fact]
    public void A_point_of_the_programs_does_not_go_with_rules()
    {
        RedisUnderMvedsua server = Server(out string other);
        string rules = Path.Combine(server.Folder, "rules");
        Directory.CreateDirectory(rules);
        File.WriteAllText(Path.Combine(rules, "forward.rules"), "rule \"in two parts\"\n  write($fd, $text) => write($fd, $text)\n");
        File.WriteAllText(Path.Combine(server.Folder, "update.description"), "update at point answered\n");
        Host.Result result = server.Mvedsua("update", RedisUnderMvedsua.Name, "--to", other, "--description", Path.Combine(server.Folder, "update.description"), "--rules", rules);
        Assert.True(result.Status != 0, result.Output);
        Assert.Contains("the program's point answered, which doesn't go with rules: name a system call", result.Errors, StringComparison.Ordinal);
    }

    private RedisUnderMvedsua Server(out string other)
    {
        RedisUnderMvedsua server = Start(RedisUnderMvedsua.Mode.Solo, prepare: s => Compile(s, "points", 1), server: ["{folder}/points", "{port}"]);
        Compile(server, "other", 2);
        other = Path.Combine(server.Folder, "other");
        server.Answers();
        return server;
    }

    private static void Compile(RedisUnderMvedsua server, string name, int version, params string[] flags)
    {
        Host.Result gcc = Host.Run(server.Folder, "gcc", [.. flags, $"-O{version}", $"-DVERSION={version}", "-I", Path.Combine(Host.Root, "native/include"), "-g", "-Wall", "-Wextra", "-Werror", "-Wl,--emit-relocs",
            "-o", name, Path.Combine(Host.Root, "tests/native/update/points.c")]);
        Assert.True(gcc.Status == 0, gcc.Errors);
    }
}

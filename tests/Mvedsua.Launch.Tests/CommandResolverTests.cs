using System.Net.Sockets;
using Mvedsua.Coordinator.Launch;

namespace Mvedsua.Launch.Tests;

public sealed class CommandResolverTests : IDisposable
{
    private readonly Workbench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void A_bare_name_is_looked_up_in_PATH()
    {
        var found = CommandResolver.Resolve(["sh"]);
        Assert.True(Path.IsPathRooted(found.Program));
        Assert.Equal("sh", Path.GetFileName(found.Program));
    }

    [Fact]
    public void A_script_runs_its_interpreter()
    {
        var script = _bench.Write("script", "#! /bin/sh -e\necho\n"u8);
        Assert.Equal(new ResolvedCommand(script, "/bin/sh"), CommandResolver.Resolve([script]));
    }

    [Fact]
    public void A_script_of_a_script_runs_the_inner_interpreter()
    {
        var inner = _bench.Write("inner", "#!/bin/bash\n"u8);
        var outer = _bench.Write("outer", System.Text.Encoding.UTF8.GetBytes($"#!{inner}\n"));
        Assert.Equal("/bin/bash", CommandResolver.Resolve([outer]).Executable);
    }

    [Fact]
    public void A_program_behind_the_loader_is_what_counts() => Assert.Equal("/bin/true",
        CommandResolver.Resolve(["/lib64/ld-linux-x86-64.so.2", "--library-path", "/lib", "/bin/true", "x"]).Executable);

    [Fact]
    public void A_script_that_names_itself_is_refused()
    {
        var script = _bench.PathOf("self");
        Refused(RefusalKind.UnknownFormat, _bench.Write("self", System.Text.Encoding.UTF8.GetBytes($"#!{script}\n")));
    }

    [Fact]
    public void A_missing_file() => Refused(RefusalKind.FileMissing, _bench.PathOf("missing"));

    [Fact]
    public void A_name_not_in_PATH() => Refused(RefusalKind.FileMissing, "no-such-server-anywhere");

    [Fact]
    public void A_directory() => Refused(RefusalKind.NotAFile, _bench.Folder);

    [Fact]
    public void A_socket()
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(_bench.PathOf("socket")));
        Refused(RefusalKind.NotAFile, _bench.PathOf("socket"));
    }

    [Fact]
    public void A_dangling_link()
    {
        File.CreateSymbolicLink(_bench.PathOf("link"), "nowhere");
        Refused(RefusalKind.FileMissing, _bench.PathOf("link"));
    }

    [Fact]
    public void A_file_without_the_execute_bit()
    {
        var program = _bench.Compile("plain", Workbench.Empty);
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Refused(RefusalKind.NotExecutable, program);
    }

    [Fact]
    public void A_script_whose_interpreter_is_missing() =>
        Refused(RefusalKind.InterpreterMissing, _bench.Write("orphan", "#!/no/such/interpreter\n"u8));

    [Fact]
    public void A_script_that_names_no_interpreter() => Refused(RefusalKind.UnknownFormat, _bench.Write("nameless", "#!  \n"u8));

    private static void Refused(RefusalKind kind, string program)
    {
        var refusal = Assert.Throws<LaunchRefusedException>(() => CommandResolver.Resolve([program])).Refusal;
        Assert.Equal(kind, refusal.Kind);
        Sentence.Check(refusal.Message);
    }
}

namespace Mvedsua.Cli.Tests;

/// <summary>What can't be run is refused before anything happens: status 64, one sentence on standard error with the
/// reason's stable name, and neither the server nor a session exists afterwards.</summary>
public sealed class LaunchRefusalTests : IDisposable
{
    private readonly MvedsuaRunner _mvedsua = new();
    private readonly string _trace;

    public LaunchRefusalTests() => _trace = Path.Combine(_mvedsua.Folder, "was-run");

    public void Dispose() => _mvedsua.Dispose();

    [Fact]
    public void A_missing_file() => Refused("file-missing", _mvedsua.Run("run", "--", "/no/such/server"));

    [Fact]
    public void A_static_program() => Refused("static-program", _mvedsua.Run("run", "--", Toucher("static", "-static")));

    [Fact]
    public void A_set_user_id_program()
    {
        var program = Toucher("privileged");
        File.SetUnixFileMode(program, File.GetUnixFileMode(program) | UnixFileMode.SetUser);
        Refused("set-id", _mvedsua.Run("run", "--", program));
    }

    [Fact]
    public void A_script_whose_interpreter_is_static()
    {
        var script = Path.Combine(_mvedsua.Folder, "script");
        File.WriteAllText(script, $"#!{Toucher("interpreter", "-static")}\n");
        File.SetUnixFileMode(script, (UnixFileMode)0b111_101_101);
        Refused("static-program", _mvedsua.Run("run", "--", script));
    }

    [Theory]
    [InlineData("no-memfd", "no-memfd")]
    [InlineData("seccomp", "seccomp-active")]
    [InlineData("mdwe", "no-write-then-execute")]
    [InlineData("nofile", "descriptor-limit")]
    public void A_cage(string cage, string reason)
    {
        var program = _mvedsua.Compile("cage", Cage.Source);
        var probe = _mvedsua.Run(program, [cage, "true"]);
        Assert.SkipWhen(probe.Status == 99, $"this kernel can't set up the cage: {probe.Errors.Trim()}");
        Refused(reason, _mvedsua.Run(program, [cage, MvedsuaRunner.Program, "run", "--", Toucher("server")]));
    }

    [Fact]
    public void A_session_directory_whose_path_is_too_long_for_a_socket()
    {
        _mvedsua.Environment["XDG_RUNTIME_DIR"] = Directory.CreateDirectory(Path.Combine(_mvedsua.Folder, new string('x', 90))).FullName;
        Refused("session-directory", _mvedsua.Run("run", "--", Toucher("server")));
        Assert.Equal((int)Coordinator.Control.ExitStatus.UnknownSession, _mvedsua.Run("status", "server").Status);
    }

    [Fact]
    public void An_old_kernel() =>
        // The personality UNAME26 makes the kernel call itself 2.6 (personality(2)).
        Refused("old-kernel", _mvedsua.Run("setarch", ["--uname-2.6", MvedsuaRunner.Program, "run", "--", Toucher("server")]));

    [Fact]
    public void A_full_disk()
    {
        // A file system of one page in a mount name space of its own.
        string[] InNamespace(string command) => ["--map-root-user", "--mount", "sh", "-c", command];
        var small = Path.Combine(_mvedsua.Folder, "small");
        Directory.CreateDirectory(small);
        var mount = $"mount -t tmpfs -o size=4k,mode=700 none {small}";
        var probe = _mvedsua.Run("unshare", InNamespace(mount));
        Assert.SkipWhen(probe.Status != 0, $"needs user and mount name spaces: {probe.Errors.Trim()}");
        Refused("disk-full", _mvedsua.Run("unshare",
            InNamespace($"{mount} && XDG_RUNTIME_DIR={small} exec {MvedsuaRunner.Program} run -- {Toucher("server")}")));
    }

    [Fact]
    public void A_session_directory_that_others_can_write()
    {
        var root = Path.Combine(_mvedsua.Folder, "mvedsua");
        Directory.CreateDirectory(root);
        File.SetUnixFileMode(root, (UnixFileMode)0b111_111_111);
        Refused("session-directory", _mvedsua.Run("run", "--", Toucher("server")));
    }

    [Fact]
    public void A_session_directory_that_is_a_link()
    {
        var target = Directory.CreateDirectory(Path.Combine(_mvedsua.Folder, "target"), (UnixFileMode)0b111_000_000);
        File.CreateSymbolicLink(Path.Combine(_mvedsua.Folder, "mvedsua"), target.FullName);
        Refused("session-directory", _mvedsua.Run("run", "--", Toucher("server")));
    }

    [Fact]
    public void A_log_limit_too_small_for_one_record() =>
        Refused("log-limit-too-small", _mvedsua.Run("run", "--log-limit", "64k", "--", Toucher("server")));

    [Theory]
    [InlineData("a/b")]
    [InlineData("..")]
    [InlineData("")]
    public void A_name_that_can_be_none(string name) =>
        Refused("session-name-invalid", _mvedsua.Run("run", "--name", name, "--", Toucher("server")));

    [Fact]
    public void A_name_in_use()
    {
        using var session = new ServedSession(_mvedsua, "taken");
        var result = _mvedsua.Run("run", "--name", "taken", "--", Toucher("server"));
        RefusedWithSessions("session-name-in-use", result);
    }

    [Fact]
    public void A_missing_library()
    {
        // A copy of the command in a folder without the library.
        var lonely = Path.Combine(_mvedsua.Folder, "lonely");
        File.Copy(MvedsuaRunner.Program, lonely);
        Refused("library-missing", _mvedsua.Run(lonely, ["run", "--", Toucher("server")]));
    }

    [Fact]
    public void A_library_that_is_something_else()
    {
        File.Copy(MvedsuaRunner.Program, Path.Combine(_mvedsua.Folder, "copy"));
        File.Copy("/lib/x86_64-linux-gnu/libm.so.6", Path.Combine(_mvedsua.Folder, "libmvedsua.so"));
        Refused("library-unusable", _mvedsua.Run(Path.Combine(_mvedsua.Folder, "copy"), ["run", "--", Toucher("server")]));
    }

    [Fact]
    public void A_library_of_another_release()
    {
        File.Copy(MvedsuaRunner.Program, Path.Combine(_mvedsua.Folder, "copy"));
        var library = File.ReadAllBytes(Path.Combine(MvedsuaRunner.Root, "out", "libmvedsua.so"));
        library[library.AsSpan().IndexOf("Mvedsua\0"u8) + 8]++; // the note's value stands behind its name
        File.WriteAllBytes(Path.Combine(_mvedsua.Folder, "libmvedsua.so"), library);
        var result = _mvedsua.Run(Path.Combine(_mvedsua.Folder, "copy"), ["run", "--", Toucher("server")]);
        Refused("library-unusable", result);
        Assert.Contains("another release", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_library_cut_short()
    {
        File.Copy(MvedsuaRunner.Program, Path.Combine(_mvedsua.Folder, "copy"));
        var library = File.ReadAllBytes(Path.Combine(MvedsuaRunner.Root, "out", "libmvedsua.so"));
        File.WriteAllBytes(Path.Combine(_mvedsua.Folder, "libmvedsua.so"), library[..8192]); // what is loaded ends far behind
        Refused("library-unusable", _mvedsua.Run(Path.Combine(_mvedsua.Folder, "copy"), ["run", "--", Toucher("server")]));
    }

    // A program that leaves a trace if it is ever run.
    private string Toucher(string name, params string[] flags) =>
        _mvedsua.Compile(name, $"#include <fcntl.h>\nint main(void) {{ return open(\"{_trace}\", O_CREAT | O_WRONLY, 0600) < 0; }}", flags);

    private void Refused(string reason, MvedsuaRunner.Result result)
    {
        RefusedWithSessions(reason, result);
        var root = Path.Combine(_mvedsua.Folder, "mvedsua");
        Assert.True(!Directory.Exists(root) || !Directory.EnumerateFileSystemEntries(root).Any(), "a session was left behind");
    }

    private void RefusedWithSessions(string reason, MvedsuaRunner.Result result)
    {
        var line = Assert.Single(result.Errors.TrimEnd().Split('\n'));
        Assert.StartsWith($"mvedsua: refused ({reason}): ", line, StringComparison.Ordinal);
        Assert.EndsWith(".", line, StringComparison.Ordinal);
        Assert.Equal(64, result.Status);
        Assert.Empty(result.Output);
        Assert.False(File.Exists(_trace), "the server was run");
    }
}

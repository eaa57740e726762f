namespace Mvedsua.Cli.Tests;

/// <summary>Sessions belong to one user. Changing users needs root.</summary>
public sealed class UserTests : IDisposable
{
    private const UnixFileMode Everybody = (UnixFileMode)0b111_101_101;
    private readonly MvedsuaRunner _mvedsua = new();
    private readonly string _installed;

    public UserTests()
    {
        if (Environment.UserName != "root")
        {
            _mvedsua.Dispose();
            Assert.Skip("needs root, to become other users");
        }

        // An installation that every user can reach, wherever the repository is.
        _installed = Directory.CreateDirectory(Path.Combine(_mvedsua.Folder, "bin")).FullName;
        foreach (var file in (string[])["mvedsua", "libmvedsua.so"])
            File.Copy(Path.Combine(MvedsuaRunner.Root, "out", file), Path.Combine(_installed, file));
        File.SetUnixFileMode(_mvedsua.Folder, Everybody);
        _mvedsua.Environment["XDG_RUNTIME_DIR"] = null;
    }

    public void Dispose() => _mvedsua.Dispose();

    [Fact]
    public void An_ordinary_user_can_run_a_server()
    {
        var result = As(65534, RuntimeFolder("nobody", 65534), "run", "--", "/bin/sh", "-c", "id -u; exit 3");
        Assert.Equal((3, "65534\n"), (result.Status, result.Output));
    }

    [Fact]
    public void Another_user_can_neither_see_nor_control_a_session()
    {
        var folder = RuntimeFolder("owner", 65533);
        using var server = Start(65533, folder, "run", "--name", "mine", "--", "/bin/sh", "-c", "echo ready; read line");
        Assert.Equal("ready", server.StandardOutput.ReadLine());
        // Even with the owner's own folder named, which everybody may enter.
        foreach (var verb in (string[])["status", "follow", "unfollow", "trace", "report"])
        {
            var result = As(65534, folder, verb, "mine");
            Assert.Equal((65, ""), (result.Status, result.Output));
        }

        Assert.Equal(0, As(65533, folder, "status", "mine").Status);
        server.StandardInput.WriteLine();
        server.WaitForExit();
        Assert.Equal(0, server.ExitCode);
    }

    private string RuntimeFolder(string name, int user)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_mvedsua.Folder, name), Everybody).FullName;
        _mvedsua.Run("chown", [$"{user}", folder]);
        return folder;
    }

    private MvedsuaRunner.Result As(int user, string folder, params string[] arguments) =>
        _mvedsua.Run("setpriv", [.. Become(user, folder), .. arguments]);

    private System.Diagnostics.Process Start(int user, string folder, params string[] arguments) =>
        _mvedsua.Start("setpriv", [.. Become(user, folder), .. arguments]);

    private string[] Become(int user, string folder) =>
        [$"--reuid={user}", $"--regid={user}", "--clear-groups", "env", $"XDG_RUNTIME_DIR={folder}", Path.Combine(_installed, "mvedsua")];
}

using Mvedsua.Coordinator.Control;

namespace Mvedsua.Coordinator.Tests;

/// <summary>Another user can neither see nor control a session.</summary>
public sealed class OtherUserTests
{
    private const string Client = """
        #include <stdio.h>
        #include <string.h>
        #include <sys/socket.h>
        #include <sys/un.h>
        #include <unistd.h>
        int main(int argc, char **argv)
        {
            struct sockaddr_un to = {.sun_family = AF_UNIX};
            char reply[4096] = "";
            int fd = socket(AF_UNIX, SOCK_STREAM, 0);
            if (argc < 2) return 2;
            strncpy(to.sun_path, argv[1], sizeof to.sun_path - 1);
            if (connect(fd, (struct sockaddr *)&to, sizeof to)) { perror("connect"); return 1; }
            const char *ask = "{\"verb\":\"unfollow\",\"protocol\":1}\n";
            if (write(fd, ask, strlen(ask)) < 0 || read(fd, reply, sizeof reply - 1) < 0) return 3;
            fputs(reply, stdout);
            return 0;
        }
        """;

    private static Task<Result> AsNobody(params string[] command) =>
        Result.Of("setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", .. command]);

    private static async Task<LiveSession> Followed()
    {
        if (Environment.UserName != "root") Assert.Skip("needs root, to become another user");
        LiveSession session = LiveSession.Start(Installation.Fake, [], ["/bin/sh", "-c", "echo ready; read line"]);
        await session.Line();
        await LiveSession.Client.FollowAsync(session.Name, default);
        return session;
    }

    [Fact]
    public async Task The_socket_can_not_even_be_reached()
    {
        await using LiveSession session = await Followed();
        string client = Installation.Compile("client1", Client);
        File.Copy(client, "/tmp/mvedsua-client-" + Environment.ProcessId);
        try
        {
            Result result = await AsNobody("/tmp/mvedsua-client-" + Environment.ProcessId, SessionDirectory.SocketOf(session.Name));
            Assert.Equal(1, result.Status);
            Assert.Contains("Permission denied", result.Errors, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete("/tmp/mvedsua-client-" + Environment.ProcessId);
        }
    }

    [Fact]
    public async Task One_who_reaches_the_socket_all_the_same_is_refused_by_his_user_id()
    {
        await using LiveSession session = await Followed();
        string open = Path.Combine(Path.GetTempPath(), $"mvedsua-open-{Environment.ProcessId}");
        Directory.CreateDirectory(open);
        try
        {
            /* A hard link outside the private directory, writable for all: what a careless operator could do. */
            string socket = Path.Combine(open, "s"), client = Path.Combine(open, "client");
            Result linked = await Result.Of("ln", SessionDirectory.SocketOf(session.Name), socket);
            Assert.True(linked.Status == 0, linked.Errors);
            File.SetUnixFileMode(socket, (UnixFileMode)0x1ff);
            File.SetUnixFileMode(open, (UnixFileMode)0x1ed);
            File.Copy(Installation.Compile("client2", Client), client);
            Result result = await AsNobody(client, socket);
            Assert.Contains("another user", result.Output, StringComparison.Ordinal);
            Assert.NotNull((await session.Status()).Follower);
        }
        finally
        {
            Directory.Delete(open, recursive: true);
        }
    }

    [Fact]
    public async Task The_session_memory_can_not_be_opened()
    {
        await using LiveSession session = await Followed();
        int leader = (await session.Status()).Leader.Pid;
        Result result = await AsNobody("/bin/cat", $"/proc/{leader}/fd/900");
        Assert.NotEqual(0, result.Status);
        Assert.Contains("Permission denied", result.Errors, StringComparison.Ordinal);
    }
}

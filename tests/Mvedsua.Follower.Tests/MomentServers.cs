namespace Mvedsua.Follower.Tests;

/// <summary>Base of the tests with servers of our own (tests/native/follower), which answer each line with one.</summary>
public abstract class MomentServers : ServerTests
{
    private protected RedisUnderMvedsua StartServer(string program, RedisUnderMvedsua.Mode mode, params string[] arguments)
    {
        RedisUnderMvedsua server = Start(mode, server: OwnServer.Command(program, arguments), prepare: OwnServer.Compile(program));
        server.Answers();
        return server;
    }
}

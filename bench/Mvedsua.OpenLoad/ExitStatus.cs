namespace Mvedsua.OpenLoad;

/// <summary>In docs/load-generator.md.</summary>
internal enum ExitStatus
{
    Ok = 0,

    /// <summary>The server answered something wrong or not at all, or closed a connection.</summary>
    Failed = 1,
    Usage = 2,

    /// <summary>Nobody listens on the port.</summary>
    Unreachable = 69,
    OutputFailed = 73,

    /// <summary>The generator was too slow itself.</summary>
    TooSlow = 75,
}

/// <summary>The load can't begin; the message is for people.</summary>
internal sealed class LoadException(ExitStatus status, string message) : Exception(message)
{
    internal ExitStatus Status => status;
}

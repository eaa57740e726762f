namespace Mvedsua.Replication.Servers;

/// <summary>How a server is run.</summary>
internal enum Mode
{
    /// <summary>Without Mvedsua.</summary>
    Native,

    /// <summary>LD_PRELOAD alone, no coordinator.</summary>
    Solo,

    /// <summary>Under <c>mvedsua run --followers N</c>.</summary>
    Follower,

    /// <summary>Under <c>mvedsua run</c>, alone until it is updated.</summary>
    Session,
}

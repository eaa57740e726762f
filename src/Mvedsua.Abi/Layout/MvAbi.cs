namespace Mvedsua.Abi;

/// <summary>The constants of <c>native/include/mvedsua/shared.h</c>, MV_ removed. A test compares them.</summary>
public static class MvAbi
{
    public const uint AbiVersion = 18;
    public const ulong ControlMagic = 0x6177736465764d31;
    public const ulong LogMagic = 0x676f4c6465764d31;
    public const uint Versions = 4;
    public const uint MaxThreads = 128;
    public const uint MaxReaders = 7;
    public const uint FirstTracer = Versions;
    public const uint Watchers = MaxReaders + 1;
    public const uint Page = 4096;
    public const ulong ControlSpan = 16ul << 20;
    public const ulong LogSpan = 1ul << 36;
    public const ulong RulesSpan = 1ul << 20;
    public const ulong HandoverOffset = 2ul << 20;
    public const ulong HandoverSpan = 6ul << 20;
    public const uint LogChunk = 256u << 10;
    public const ulong LogChunks = LogSpan / LogChunk;
    public const uint LogData = LogChunk;
    public const uint OrderRoom = 8 * MaxThreads;
    public const ulong SessionSize = ControlSpan + Versions * MaxThreads * LogSpan;
    public const ulong SleepersOffset = Page * (1ul + MaxReaders);
    public const uint IntentNone = 0xffffffff;
    public const uint IntentCome = 0xfffffffe;
    public const uint PointAny = IntentNone;
    public const uint PointCalls = 0xfffffffe;
    public const uint PointNamed = 0xfffffffd;
    public const uint PointName = 40;
    public const uint KickRequest = 0x4d764b52;
    public const uint KeeperComing = 0x20000000;
    public const uint DivergenceBytes = 8192;
    public const uint Messages = 64;
    public const uint Orphans = 64;

    /// <summary>Offset in the session memory of the compiled rules of a version that was made by an update.</summary>
    /// <param name="version">Its version index.</param>
    /// <param name="reverse">False: for it following the version that it was copied from; true: for that one following it.</param>
    public static ulong RulesOffset(int version, bool reverse) =>
        (8ul << 20) + (2 * (ulong)version + (reverse ? 1ul : 0)) * RulesSpan;

    /// <summary>Offset in the session memory of a version's and thread's log.</summary>
    public static ulong LogOffset(int version, int slot) =>
        ControlSpan + ((ulong)version * MaxThreads + (ulong)slot) * LogSpan;

    /// <summary>Offset in a log of a reader's cursor.</summary>
    public static ulong CursorOffset(int reader) => Page * (1ul + (ulong)reader);
}

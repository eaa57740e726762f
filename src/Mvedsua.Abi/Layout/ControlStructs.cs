using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mvedsua.Abi;

/// <summary>The program's registers at its call, on the thread's shim stack: struct mv_registers.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
public struct MvRegisters
{
    [FieldOffset(0)] public ulong R15;
    [FieldOffset(8)] public ulong R14;
    [FieldOffset(16)] public ulong R13;
    [FieldOffset(24)] public ulong R12;
    [FieldOffset(32)] public ulong Rbp;
    [FieldOffset(40)] public ulong Rbx;
    [FieldOffset(48)] public ulong R10;
    [FieldOffset(56)] public ulong R9;
    [FieldOffset(64)] public ulong R8;
    [FieldOffset(72)] public ulong Rdi;
    [FieldOffset(80)] public ulong Rsi;
    [FieldOffset(88)] public ulong Rdx;
    [FieldOffset(96)] public ulong Rax;
    [FieldOffset(104)] public ulong Site;
    [FieldOffset(112)] public ulong Continuation;
    [FieldOffset(120)] public ulong Rsp;
}

/// <summary>One thread of one version: struct mv_thread_info.</summary>
[StructLayout(LayoutKind.Explicit, Size = 40)]
public struct MvThreadInfo
{
    [FieldOffset(0)] public MvThreadState State;
    [FieldOffset(4)] public uint Tid;
    [FieldOffset(8)] public uint LogicalTid;
    [FieldOffset(12)] public uint InCall;
    [FieldOffset(16)] public ulong Site;
    [FieldOffset(24)] public ulong Frame;
    [FieldOffset(32)] public ulong Start;
}

/// <summary>Where a follower differed: struct mv_divergence.</summary>
[StructLayout(LayoutKind.Explicit, Size = 96 + 2 * (int)MvAbi.DivergenceBytes)]
public unsafe struct MvDivergence
{
    [FieldOffset(0)] public MvDifference Kind;
    [FieldOffset(4)] public uint Slot;
    [FieldOffset(8)] public uint Position;
    [FieldOffset(12)] public uint Call;
    [FieldOffset(16)] public ulong Sequence;
    [FieldOffset(24)] public ulong Offset;
    [FieldOffset(32)] public fixed ulong Args[6];
    [FieldOffset(80)] public ulong Site;
    [FieldOffset(88)] public uint LeaderSize;
    [FieldOffset(92)] public uint FollowerSize;
    [FieldOffset(96)] public fixed byte LeaderRecord[(int)MvAbi.DivergenceBytes];
    [FieldOffset(96 + (int)MvAbi.DivergenceBytes)] public fixed byte FollowerPayload[(int)MvAbi.DivergenceBytes];
}

/// <summary>A line from the shim to the operator: struct mv_message.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
public unsafe struct MvMessage
{
    [FieldOffset(0)] public ulong Number;
    [FieldOffset(8)] public uint Pid;
    [FieldOffset(12)] public uint Level;
    [FieldOffset(16)] public fixed byte Text[240];
}

/// <summary>A dead leader's child, waited for on behalf of the promoted process: struct mv_orphan.</summary>
[StructLayout(LayoutKind.Explicit, Size = 160)]
public unsafe struct MvOrphan
{
    [FieldOffset(0)] public uint Pid;
    [FieldOffset(4)] public MvOrphanState State;
    [FieldOffset(8)] public int Status;
    [FieldOffset(12)] public uint Group;
    [FieldOffset(16)] public fixed byte Rusage[144];
}

/// <summary>A process that leads or follows, or did so last under its version index: struct mv_member.</summary>
[StructLayout(LayoutKind.Explicit, Size = 288)]
public unsafe struct MvMember
{
    [FieldOffset(0)] public uint Pid;
    [FieldOffset(4)] public MvMemberState State;
    [FieldOffset(8)] public ulong Generation;
    [FieldOffset(16)] public MvReason Reason;
    [FieldOffset(20)] public int ReasonCode;
    [FieldOffset(24)] public uint ReportTaken;
    [FieldOffset(28)] public uint Point;
    [FieldOffset(32)] public uint UpdatedFrom;
    [FieldOffset(36)] public fixed uint Rules[2];
    [FieldOffset(44)] public uint Unused;
    [FieldOffset(48)] public ulong CrashedAt;
    [FieldOffset(56)] public fixed byte ReasonText[232];
}

/// <summary>One of the calls with which a new version begins: struct mv_step.</summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
public unsafe struct MvStep
{
    [FieldOffset(0)] public ulong Function;
    [FieldOffset(8)] public fixed ulong Args[6];
    [FieldOffset(56)] public ulong Unused;
}

/// <summary>What a copy is to do on the way to another version: struct mv_task.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
public unsafe struct MvTask
{
    [FieldOffset(0)] public uint Number;
    [FieldOffset(4)] public uint Done;
    [FieldOffset(8)] public MvTaskKind Kind;
    [FieldOffset(12)] public uint Unused;
    [FieldOffset(16)] public fixed ulong Args[8];
    [FieldOffset(80)] public long Result;
    [FieldOffset(88)] public ulong StackLow;
    [FieldOffset(96)] public ulong StackHigh;
    [FieldOffset(104)] public fixed ulong Unused2[3];
}

[InlineArray((int)MvAbi.Versions)]
public struct MvTaskTable
{
    private MvTask _element;
}

[InlineArray((int)MvAbi.Versions)]
public struct MvMemberTable
{
    private MvMember _element;
}

[InlineArray((int)MvAbi.Versions)]
public struct MvDivergenceTable
{
    private MvDivergence _element;
}

[InlineArray((int)MvAbi.Messages)]
public struct MvMessageRing
{
    private MvMessage _element;
}

[InlineArray((int)MvAbi.Orphans)]
public struct MvOrphanTable
{
    private MvOrphan _element;
}

/// <summary>threads[version][slot], as one array: index version * MaxThreads + slot.</summary>
[InlineArray((int)(MvAbi.Versions * MvAbi.MaxThreads))]
public struct MvThreadTable
{
    private MvThreadInfo _element;
}

/// <summary>The control block at offset 0 of the session memory: struct mv_control. Who writes what, and in
/// which order, stands in shared.h; <see cref="ControlBlock"/> is the way to touch a live one.</summary>
[StructLayout(LayoutKind.Explicit, Size = 115328)]
public unsafe struct MvControl
{
    [FieldOffset(0)] public ulong Magic;
    [FieldOffset(8)] public uint Abi;
    [FieldOffset(12)] public uint Size;
    [FieldOffset(16)] public ulong LogLimit;
    [FieldOffset(24)] public ulong LagLimitBytes;
    [FieldOffset(32)] public ulong LagLimitNs;
    [FieldOffset(40)] public uint FollowFromStart;
    [FieldOffset(44)] public uint FollowersWanted;
    [FieldOffset(48)] public fixed ulong Unused1[2];

    [FieldOffset(64)] public uint CoordinatorPid;
    [FieldOffset(68)] public MvRequest Request;
    [FieldOffset(72)] public uint RequestNumber;
    [FieldOffset(76)] public uint RequestGeneration;
    [FieldOffset(80)] public uint RequestCall;
    [FieldOffset(84)] public fixed byte RequestPoint[(int)MvAbi.PointName];
    [FieldOffset(124)] public fixed uint Unused2[1];

    [FieldOffset(128)] public uint Change;
    [FieldOffset(132)] public MvStage Stage;
    [FieldOffset(136)] public uint AnsweredNumber;
    [FieldOffset(140)] public MvReason Answer;
    [FieldOffset(144)] public uint LeaderVersion;
    [FieldOffset(148)] public uint LeaderPid;
    [FieldOffset(152)] public ulong Leads;
    [FieldOffset(160)] public uint LogicalPid;
    [FieldOffset(164)] public MvReason Reason;
    [FieldOffset(168)] public int ReasonCode;
    [FieldOffset(172)] public uint KeeperPid;
    [FieldOffset(176)] public ulong Generation;
    [FieldOffset(184)] public ulong Failovers;
    [FieldOffset(192)] public ulong AttachPauseNs;
    [FieldOffset(200)] public ulong FailoverNs;
    [FieldOffset(208)] public uint SessionFd;
    [FieldOffset(212)] public uint SitesRewritten;
    [FieldOffset(216)] public uint SitesTrapped;
    [FieldOffset(220)] public uint SitesRefused;
    [FieldOffset(224)] public fixed byte ReasonText[240];
    [FieldOffset(464)] public ulong LogGeneration;
    [FieldOffset(472)] public uint Publishes;
    [FieldOffset(476)] public uint OrphanChanges;
    [FieldOffset(480)] public uint OtherProgram;
    [FieldOffset(484)] public uint Offer;
    [FieldOffset(488)] public ulong Mourned;

    [FieldOffset(512)] public fixed uint Publishing[(int)MvAbi.Versions];
    [FieldOffset(528)] public uint Tracing;
    [FieldOffset(532)] public fixed uint Unused3[11];

    [FieldOffset(576)] public ulong MessageCount;
    [FieldOffset(584)] public MvMessageRing Messages;
    [FieldOffset(16968)] public MvOrphanTable Orphans;
    [FieldOffset(27208)] public MvThreadTable Threads;
    [FieldOffset(47688)] public MvMemberTable Members;
    [FieldOffset(48840)] public MvDivergenceTable Divergence;

    [FieldOffset(114760)] public fixed uint Keepers[(int)MvAbi.Versions];
    [FieldOffset(114776)] public fixed uint Unused5[10];

    [FieldOffset(114816)] public MvTaskTable Tasks;
}

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mvedsua.Abi;

/// <summary>Header of one event. Meaning of every field: struct mv_event in shared.h.</summary>
[StructLayout(LayoutKind.Explicit, Size = 104)]
public unsafe struct MvEvent
{
    [FieldOffset(0)] public uint Size;
    [FieldOffset(4)] public ushort Call;
    [FieldOffset(6)] public ushort Flags;
    [FieldOffset(8)] public uint Check;
    [FieldOffset(12)] public uint InSize;
    [FieldOffset(16)] public uint OutSize;
    [FieldOffset(20)] public uint OrderSize;
    [FieldOffset(24)] public ulong Sequence;
    [FieldOffset(32)] public long Result;
    [FieldOffset(40)] public ulong Site;
    [FieldOffset(48)] public ulong Stamp;
    [FieldOffset(56)] public fixed ulong Args[6];
}

/// <summary>What the kernel writes to when the owning thread dies: struct mv_death_word.</summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
public unsafe struct MvDeathWord
{
    [FieldOffset(0)] public uint Word;
    [FieldOffset(4)] public uint Told;
    [FieldOffset(8)] public fixed uint Reserved[4];
    [FieldOffset(24)] public ulong Previous;
    [FieldOffset(32)] public ulong Next;
    [FieldOffset(40)] public fixed ulong Padding[3];
}

/// <summary>The call that is being made and not yet published: struct mv_intent.</summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
public unsafe struct MvIntent
{
    [FieldOffset(0)] public uint Call;
    [FieldOffset(4)] public int Fd;
    [FieldOffset(8)] public ulong Buffer;
    [FieldOffset(16)] public ulong Length;
    [FieldOffset(24)] public ulong Sequence;
    [FieldOffset(32)] public fixed ulong Noted[4];
}

[InlineArray((int)MvAbi.Watchers)]
public struct MvDeathWords
{
    private MvDeathWord _element;
}

/// <summary>The kernel's struct msghdr: struct mv_message_header.</summary>
[StructLayout(LayoutKind.Explicit, Size = 56)]
public struct MvMessageHeader
{
    [FieldOffset(0)] public ulong Name;
    [FieldOffset(8)] public uint Namelen;
    [FieldOffset(12)] public uint Reserved0;
    [FieldOffset(16)] public ulong Iov;
    [FieldOffset(24)] public ulong Iovlen;
    [FieldOffset(32)] public ulong Control;
    [FieldOffset(40)] public ulong Controllen;
    [FieldOffset(48)] public uint Flags;
    [FieldOffset(52)] public uint Reserved1;
}

/// <summary>What the kernel itself says of the call under way: struct mv_witness.</summary>
[StructLayout(LayoutKind.Explicit, Size = 392)]
public unsafe struct MvWitness
{
    [FieldOffset(0)] public MvMessageHeader Message;
    [FieldOffset(56)] public uint Length;
    [FieldOffset(60)] public MvWitnessKind Kind;
    [FieldOffset(64)] public fixed ulong Iov[2];
    [FieldOffset(80)] public ulong Sequence;
    [FieldOffset(88)] public uint Call;
    [FieldOffset(92)] public int Fd;
    [FieldOffset(96)] public ulong Ring;
    [FieldOffset(104)] public ulong Place;
    [FieldOffset(112)] public ulong Options;
    [FieldOffset(120)] public fixed ulong Child[16];
    [FieldOffset(248)] public fixed ulong Rusage[18];
}

/// <summary>First page of a log: struct mv_log_header.</summary>
[StructLayout(LayoutKind.Explicit, Size = 1216)]
public unsafe struct MvLogHeader
{
    [FieldOffset(0)] public ulong Magic;
    [FieldOffset(8)] public uint Abi;
    [FieldOffset(12)] public uint RecordSize;
    [FieldOffset(16)] public uint Version;
    [FieldOffset(20)] public uint Slot;
    [FieldOffset(24)] public ulong Generation;
    [FieldOffset(32)] public ulong Limit;
    [FieldOffset(40)] public ulong Start;
    [FieldOffset(48)] public ulong Check;
    [FieldOffset(56)] public ulong Unused;

    [FieldOffset(64)] public ulong Published;
    [FieldOffset(72)] public ulong Sequence;
    [FieldOffset(80)] public ulong Bytes;
    [FieldOffset(88)] public ulong High;
    [FieldOffset(96)] public ulong Held;
    [FieldOffset(104)] public fixed ulong Padding[3];

    [FieldOffset(128)] public MvIntent Intent;

    [FieldOffset(192)] public uint Wake;
    [FieldOffset(196)] public fixed uint Padding3[15];

    [FieldOffset(256)] public MvDeathWords Death;

    [FieldOffset(768)] public MvWitness Witness;
    [FieldOffset(1160)] public fixed ulong Padding4[7];
}

/// <summary>A reader's cursor: struct mv_log_cursor.</summary>
[StructLayout(LayoutKind.Explicit, Size = 32)]
public struct MvLogCursor
{
    [FieldOffset(0)] public ulong Position;
    [FieldOffset(8)] public ulong Sequence;
    [FieldOffset(16)] public ulong Bytes;
    [FieldOffset(24)] public uint Active;
    [FieldOffset(28)] public uint Owner;
}

/// <summary>Who sleeps: struct mv_log_sleepers.</summary>
[StructLayout(LayoutKind.Explicit, Size = 8)]
public struct MvLogSleepers
{
    [FieldOffset(0)] public uint Bits;
    [FieldOffset(4)] public uint Padding;
}

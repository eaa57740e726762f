namespace Mvedsua.Abi.Calls;

// The numbers are those of native/shim/calls/table.h; a test compares them with the compiled table.
// CA1711, CA1720: the names are the words of calls.tbl.
#pragma warning disable CA1711, CA1720

/// <summary>Who runs a call when there is a follower.</summary>
public enum CallClass : byte
{
    /// <summary>Each version runs it by itself; neither published nor compared.</summary>
    Local = 1,

    /// <summary>The leader runs and publishes it, the follower takes the result.</summary>
    Replayed,

    /// <summary>Published and compared, and the follower runs its own twin of it.</summary>
    Both,

    /// <summary>Answered with an error code in every role.</summary>
    Refused,
}

/// <summary>Facts about a call; the words of calls.tbl, then what follows from its argument kinds.</summary>
[Flags]
public enum CallFlags : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>A handler looks before it runs, in every role.</summary>
    Special = 1 << 0,

    /// <summary>With a follower, a handler completes what the row says.</summary>
    Handler = 1 << 1,

    /// <summary>Refused by name when there is a follower.</summary>
    NoFollow = 1 << 2,

    /// <summary>May wait for something outside the process.</summary>
    Blocking = 1 << 3,

    /// <summary>The kernel restarts it after a handler installed with SA_RESTART.</summary>
    Restart = 1 << 4,

    /// <summary>Takes something from the outside that a second call would not get again.</summary>
    Consume = 1 << 5,

    /// <summary>Has an effect outside the process.</summary>
    Emit = 1 << 6,

    /// <summary>A success adds descriptors to the table.</summary>
    OpensDescriptor = 1 << 7,

    /// <summary>A success removes descriptors from the table.</summary>
    ClosesDescriptor = 1 << 8,

    /// <summary>Asks a clock.</summary>
    Time = 1 << 9,

    /// <summary>Has memory that goes out with the call.</summary>
    In = 1 << 10,

    /// <summary>Has memory that comes back.</summary>
    Out = 1 << 11,

    /// <summary>Overwrites memory that goes out.</summary>
    InOut = 1 << 12,

    /// <summary>Overwrites a length that bounds what comes back.</summary>
    Capture = 1 << 13,

    /// <summary>An argument is described by a command table.</summary>
    Command = 1 << 14,
}

/// <summary>What a successful call returns.</summary>
public enum CallResult : byte
{
    /// <summary>0.</summary>
    Zero,

    /// <summary>A 32-bit signed number.</summary>
    Int,

    /// <summary>A 32-bit unsigned number.</summary>
    UInt,

    /// <summary>A 64-bit number.</summary>
    Long,

    /// <summary>Bits.</summary>
    Hex,

    /// <summary>A number of bytes transferred.</summary>
    Bytes,

    /// <summary>A number of objects.</summary>
    Count,

    /// <summary>A descriptor.</summary>
    Descriptor,

    /// <summary>A process id.</summary>
    ProcessId,

    /// <summary>A thread id.</summary>
    ThreadId,

    /// <summary>An address.</summary>
    Pointer,

    /// <summary>It does not return.</summary>
    NoReturn,
}

/// <summary>What an argument is; the words are defined at the head of calls.tbl.</summary>
public enum ArgumentKind : byte
{
#pragma warning disable CS1591 // one word each, defined in calls.tbl
    None,
    Int,
    UInt,
    Mode,
    Fd,
    DirFd,
    Pid,
    Tid,
    Uid,
    Gid,
    Signal,
    Clock,
    Enum,
    Flags,
    Long,
    ULong,
    Off,
    Hex,
    Ptr,
    Path,
    Str,
    StrV,
    In,
    Out,
    OutAll,
    OutLen,
    InOut,
    IovIn,
    IovOut,
    MsgIn,
    MsgOut,
    MMsgIn,
    MMsgOut,
    FdSet,
    SigSetArg,
    EpollEvent,
    IoctlArg,
    FcntlArg,
    PrctlArg,
#pragma warning restore CS1591
}

/// <summary>The outcomes on which out and inout memory is written.</summary>
public enum ArgumentWhen : byte
{
    /// <summary>The result is not an error.</summary>
    Success,

    /// <summary>The result is greater than 0.</summary>
    Positive,

    /// <summary>The result is -EINTR.</summary>
    Eintr,

    /// <summary>On success and on -EINTR.</summary>
    Tried,

    /// <summary>On anything but -EFAULT.</summary>
    Always,

    /// <summary>As <see cref="Tried"/>; the kernel does not mind when the memory can't be written.</summary>
    Lax,
}

/// <summary>What a payload's segment is within its argument.</summary>
public enum SegmentRole : byte
{
    /// <summary>The argument's own memory.</summary>
    Bytes,

    /// <summary>One string of an argument vector.</summary>
    String,

    /// <summary>What an iovec points at.</summary>
    Data,

    /// <summary>msg_name.</summary>
    Name,

    /// <summary>msg_control.</summary>
    Control,

    /// <summary>The field msg_namelen.</summary>
    NameLength,

    /// <summary>The field msg_controllen.</summary>
    ControlLength,

    /// <summary>The field msg_flags.</summary>
    Flags,

    /// <summary>The field msg_len.</summary>
    MessageLength,
}

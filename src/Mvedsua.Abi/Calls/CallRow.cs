namespace Mvedsua.Abi.Calls;

/// <summary>A memory layout that arguments refer to.</summary>
/// <param name="Name">Its name, without "struct".</param>
/// <param name="Size">Bytes.</param>
/// <param name="Opaque">Parts that are carried but never compared: pointers and user data.</param>
public sealed record StructRow(string Name, int Size, IReadOnlyList<(int Offset, int Length)> Opaque)
{
    /// <summary>Plain bytes.</summary>
    public static StructRow Bytes { get; } = new("bytes", 1, []);
}

/// <summary>One argument of a call, or the argument of a command.</summary>
/// <param name="Name">Its name in the manual page.</param>
/// <param name="Kind">What it is.</param>
/// <param name="LengthArgument">Index of the argument with its length, count, command or open flags; -1: none.</param>
/// <param name="When">The outcomes on which its memory is written.</param>
/// <param name="Structure">What its memory holds.</param>
/// <param name="Unit">Bytes of one unit; without a length argument, of the whole.</param>
/// <param name="Limit">Never more than this many bytes; 0: no limit.</param>
/// <param name="Set">For enum and flags: the set of names; else empty.</param>
public sealed record ArgumentRow(
    string Name,
    ArgumentKind Kind,
    int LengthArgument,
    ArgumentWhen When,
    StructRow Structure,
    int Unit,
    int Limit,
    string Set)
{
    /// <summary>Compared as a number; false for pointers and memory.</summary>
    public bool IsScalar => Kind is > ArgumentKind.None and < ArgumentKind.Ptr;

    /// <summary>The address of memory that goes out, comes back, or both.</summary>
    public bool IsMemory => Kind >= ArgumentKind.Path;
}

/// <summary>A system call.</summary>
/// <param name="Number">Its number in the kernel's table.</param>
/// <param name="Name">Its name.</param>
/// <param name="Class">Who runs it when there is a follower.</param>
/// <param name="Flags">Facts about it.</param>
/// <param name="Result">What a success returns.</param>
/// <param name="Arguments">Up to six.</param>
public sealed record CallRow(
    int Number,
    string Name,
    CallClass Class,
    CallFlags Flags,
    CallResult Result,
    IReadOnlyList<ArgumentRow> Arguments);

/// <summary>One command of ioctl, fcntl or prctl.</summary>
/// <param name="Value">The request, command or option.</param>
/// <param name="Name">Its name.</param>
/// <param name="Class">Who runs it when there is a follower.</param>
/// <param name="Flags">Facts about it.</param>
/// <param name="Result">What a success returns.</param>
/// <param name="Argument">The argument that it decides; its kind is None when there is none.</param>
public sealed record CommandRow(
    uint Value,
    string Name,
    CallClass Class,
    CallFlags Flags,
    CallResult Result,
    ArgumentRow Argument);

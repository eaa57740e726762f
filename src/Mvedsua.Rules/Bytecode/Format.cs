namespace Mvedsua.Rules.Bytecode;

// The image that the shim interprets (docs/rule-language.md, Bytecode). Little-endian 32-bit words; offsets are in words from the
// image's beginning, those of text in bytes. No pointers: it is mapped read-only wherever it comes to lie.

/// <summary>Words of the header, by index.</summary>
internal enum Header
{
    Magic,
    Version,
    Words,
    Rules,
    RulesAt,
    Steps,
    StepsAt,
    Calls,
    CallsAt,
    Code,
    CodeAt,
    Lists,
    ListsAt,
    IndexAt,
    Maps,
    MapsAt,
    Lines,
    LinesAt,
    Begins,
    BeginsAt,
    TextBytes,
    TextAt,
    Stores,
    Count,
}

internal static class Format
{
    internal const uint Magic = 0x5552564d; // "MVRU"
    internal const uint Version = 1;

    /// <summary>Entries of the index: call numbers from here on have no rules.</summary>
    internal const int Numbers = 512;

    internal const int RuleWords = 8;
    internal const int StepWords = 2;
    internal const int CallWords = 4;
    internal const int MapWords = 2;
    internal const int LineWords = 5;
    internal const int BeginWords = 3;

    /// <summary>Ends a list of candidates.</summary>
    internal const uint EndOfList = 0xffff;

    /// <summary>Deepest stack of numbers.</summary>
    internal const int Stack = 32;

    /// <summary>Largest image, in words: 16 MiB.</summary>
    internal const int MostWords = 4 << 20;

    /// <summary>A call's flags.</summary>
    internal const uint Executed = 1;
}

/// <summary>Instructions: the code in bits 0 to 7, A in 8 to 15, B in 16 to 31.</summary>
internal enum Op : byte
{
    /// <summary>None.</summary>
    Bad,

    /// <summary>Pushes the number in the next two words, low one first.</summary>
    Literal,

    /// <summary>Pushes argument A of the current call; B: 0 signed 32 bits, 1 unsigned 32 bits, 2 64 bits.</summary>
    Argument,

    /// <summary>Pushes the current event's result; fails when it has none.</summary>
    Result,

    /// <summary>Pushes the number of slot B; fails when it has none.</summary>
    Slot,

    /// <summary>Pushes stored value B; fails when it is not a number that was stored.</summary>
    Stored,

    /// <summary>Pushes the length of the buffer.</summary>
    Length,

    /// <summary>Pushes the number in the buffer; fails when there is none.</summary>
    Parse,

    /// <summary>Replaces two numbers by their sum.</summary>
    Add,

    /// <summary>Replaces two numbers by their difference.</summary>
    Subtract,

    /// <summary>Pops two numbers and fails when comparison A does not hold.</summary>
    Test,

    /// <summary>Replaces two numbers by 1 when comparison A holds, else 0.</summary>
    Compare,

    /// <summary>Replaces a number by 1 when it is 0, else 0.</summary>
    Not,

    /// <summary>Leaves a 0 and goes on B words further; or pops what is not 0.</summary>
    SkipFalse,

    /// <summary>Leaves what is not 0 and goes on B words further; or pops the 0.</summary>
    SkipTrue,

    /// <summary>Pops a number and fails when it is 0.</summary>
    Require,

    /// <summary>Pops a number into slot B; fails when the slot has another.</summary>
    Capture,

    /// <summary>Pops a number and fails when slot B has another; the slot stays as it is.</summary>
    Fit,

    /// <summary>Fails when the current event failed; A 1: also when its result is not the number of bytes sent.</summary>
    Success,

    /// <summary>The buffer is what argument A sends; fails without.</summary>
    Sent,

    /// <summary>The buffer is what argument A received; fails without.</summary>
    Received,

    /// <summary>The buffer is that of the part that follows; fails when it has no value.</summary>
    Load,

    /// <summary>Fails unless the buffer is made of the B parts that follow.</summary>
    Match,

    /// <summary>Pushes whether the buffer is made of the B parts that follow.</summary>
    Matches,

    /// <summary>Fails when the buffer can't begin as the B parts that follow, as far as they are known.</summary>
    FitBytes,

    /// <summary>Puts the buffer behind what slot B has.</summary>
    Append,

    /// <summary>Takes the buffer off what slot B has; fails when it is empty or another.</summary>
    Take,

    /// <summary>Fails when argument A differs from that of the source event.</summary>
    Same,

    /// <summary>Pops a number into store B.</summary>
    StoreNumber,

    /// <summary>Puts the buffer into store B.</summary>
    StoreBytes,

    /// <summary>The call's memory is that of the source event.</summary>
    Copy,

    /// <summary>Argument A gets the buffer that the B parts that follow make.</summary>
    Give,

    /// <summary>Pops what the call returns.</summary>
    Return,

    /// <summary>The call returns as many bytes as it sends.</summary>
    ReturnSent,

    /// <summary>The call returns as many bytes as it was given.</summary>
    ReturnGiven,

    /// <summary>The call returns what the source event did.</summary>
    ReturnSource,

    /// <summary>Fails when argument A was given more than the units of B bytes that argument [next word] says.</summary>
    Room,

    /// <summary>Fails when argument A was not given B bytes.</summary>
    Fixed,

    /// <summary>Fails when what the call returns is not what it was given.</summary>
    AllGiven,

    /// <summary>The follower makes the call.</summary>
    Execute,
}

/// <summary>Parts of buffers: the kind in bits 0 to 6, bit 7: may grow; A in 8 to 15, B in 16 to 31.</summary>
internal enum PartKind : byte
{
    /// <summary>None.</summary>
    Bad,

    /// <summary>The text at the offset and of the length in the next two words; A 1: without regard to case.</summary>
    Text,

    /// <summary>Slot B; without a value it takes bytes of class A.</summary>
    Slot,

    /// <summary>Any bytes.</summary>
    Any,

    /// <summary>Stored value B.</summary>
    Stored,

    /// <summary>The part that follows, its lines changed by map B.</summary>
    Mapped,
}

using Mvedsua.Update.Debug;
using Mvedsua.Update.Elf;
using Mvedsua.Update.Linking;
using Mvedsua.Update.Transfer;

namespace Mvedsua.Update.Resuming;

/// <summary>A parameter of the function that is called anew.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type in the old version.</param>
/// <param name="Value">What it was in the old version's frame.</param>
internal sealed record LoopArgument(string Name, CType Type, ulong Value)
{
    public override string ToString() => $"{Name}={(Type.Bare is PointerType ? Value == 0 ? "null" : $"0x{Value:x}" : $"{(long)Value}")}";
}

/// <summary>The call with which a new version goes on where the old one's main loop stands.</summary>
/// <param name="Function">Of the new version.</param>
/// <param name="Address">Where it begins, as linked.</param>
/// <param name="Arguments">With their values in the old version.</param>
/// <param name="File">The new version's.</param>
internal sealed record LoopCall(Function Function, ulong Address, IReadOnlyList<LoopArgument> Arguments, ElfFile File)
{
    /// <summary>Its result is the program's exit status, as main's would have been.</summary>
    internal bool HasStatus => Function.Type.Result.Bare is not VoidType;

    /// <summary>For people.</summary>
    internal string Text => $"goes on in {Function.Name}({string.Join(", ", Arguments)}), the function below main in which the old version waits (inferred; a description's \"resume\" says otherwise)";

    /// <summary>The call, in a process in which all was carried over.</summary>
    /// <exception cref="UpdateRefusedException">An argument leads into the middle of something that was converted.</exception>
    internal Step Step(LinkResult link, TransferReport transfer) => new(link.Image.Base + Address, [.. Arguments.Select(a => Now(a, link, transfer))]);

    /// <summary>
    /// A pointer's value is what it was, in nearly all cases: the heap is the same, variables and constants stay where they are, functions are known by their old
    /// entries (docs/relinking.md), and so does the stack of main stay, whose frames nothing returns to any more: the new version runs on another, so that
    /// what main has put there (its arguments, a struct that it passes to its loop) is neither overwritten nor given back.
    /// What was converted has another place.
    /// </summary>
    private ulong Now(LoopArgument argument, LinkResult link, TransferReport transfer)
    {
        var old = argument.Value;
        if (argument.Type.Bare is not PointerType { IsFunction: false } || old == 0) return old;
        var @new = transfer.Follow(old);
        if (@new == old && link.Objects.FirstOrDefault(o => o.NewAddress != 0 && o.NewAddress != o.OldAddress && old >= o.OldAddress && old - o.OldAddress < o.Old.Symbol.Size) is { } moved)
            @new = old == moved.OldAddress ? moved.NewAddress : null;
        return @new ?? throw MainLoop.NotKnown(File.Path, $"{Function.Name}(), the function below main, was given a pointer ({argument}) into the middle of an object that has been converted");
    }
}

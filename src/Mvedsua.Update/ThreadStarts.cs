using Mvedsua.Update.Descriptions;
using Mvedsua.Update.Elf;
using Mvedsua.Update.Linking;

namespace Mvedsua.Update;

/// <summary>A thread of a copy that stands still, besides the main thread.</summary>
/// <param name="Slot">Its number in the session.</param>
/// <param name="Id">What the program sees as its thread id.</param>
/// <param name="Start">The start routine that the program gave it.</param>
public sealed record UpdatedThread(int Slot, uint Id, ulong Start);

/// <summary>A thread that is to begin anew.</summary>
/// <param name="Slot">Its number in the session.</param>
/// <param name="Start">Address of the start routine; its argument is the one that it had.</param>
public sealed record ThreadStart(int Slot, ulong Start);

/// <summary>Which threads begin anew in the new version, and where: those that began in the program's own functions, each in the function of the
/// same name or in that which the description names. Threads that libraries began for themselves go on where they stand.</summary>
internal sealed class ThreadStarts
{
    private readonly ElfFile _oldFile, _newFile;
    private readonly LinkedImage _old;
    private readonly IReadOnlyList<ThreadRule> _rules;

    /// <exception cref="UpdateRefusedException">The description wants what can't be done.</exception>
    internal ThreadStarts(ElfFile oldFile, LinkedImage old, ElfFile newFile, IReadOnlyList<ThreadRule> rules)
    {
        (_oldFile, _old, _newFile, _rules) = (oldFile, old, newFile, rules);
        if (rules.FirstOrDefault(r => r.RestartsAt is null) is { } ends)
            throw new UpdateRefusedException($"the description says that threads of {ends.Start} end: their counterparts in the old version would go on, which can't be compared yet");
    }

    /// <exception cref="UpdateRefusedException">The new version lacks a function in which a thread began.</exception>
    internal IReadOnlyList<ThreadStart> Of(IEnumerable<UpdatedThread> threads, LinkedImage linked) =>
        [.. threads.Where(t => _old.Images.Any(i => t.Start >= i.Start && t.Start < i.End)).Select(t => new ThreadStart(t.Slot, StartOf(t, linked)))];

    private ulong StartOf(UpdatedThread thread, LinkedImage linked)
    {
        var name = Functions(_oldFile).FirstOrDefault(s => _old.AddressOf(s) == thread.Start)?.Name;
        if (_rules.FirstOrDefault(r => r.Start == name)?.RestartsAt is { } other)
            return linked.AddressOf(Functions(_newFile).First(s => s.Name == other));
        if (Functions(_newFile).Any(s => linked.AddressOf(s) == thread.Start)) return thread.Start;
        throw new UpdateRefusedException($"thread {thread.Id} began in {name ?? $"the function at {thread.Start:x}"}, which the new version does not have: say in the description where it goes on ('thread {name ?? "F"} restarts at G')");
    }

    private static IEnumerable<ElfSymbol> Functions(ElfFile file) => file.Symbols.Where(s => s.IsDefined && s.Kind == SymbolKind.Function);
}

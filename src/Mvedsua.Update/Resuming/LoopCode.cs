using Iced.Intel;
using Mvedsua.Update.Elf;

namespace Mvedsua.Update.Resuming;

/// <summary>
/// Whether a function can be called anew instead of being returned to. It can where it stands in a loop, and calls nothing before that: then a new call
/// comes, as if by one more turn, to where the old one stands. What it would call before its loop is what start-up is made of, and would be done twice.
/// What is decided is decided by the machine code, since a compiler puts blocks in any order: which instructions lead to which.
/// </summary>
internal sealed class LoopCode
{
    /// <summary>Functions behind whose call nothing is executed, though code may stand there.</summary>
    private static readonly HashSet<string> _ends =
        ["exit", "_exit", "_Exit", "quick_exit", "abort", "err", "errx", "verr", "verrx", "longjmp", "siglongjmp", "__stack_chk_fail", "__assert_fail", "__chk_fail", "__longjmp_chk"];

    private readonly ElfFile _file;
    private readonly ElfSymbol _function;
    private readonly ElfRelocation[] _relocations; // within the function
    private readonly List<Instruction> _code = [];
    private readonly Dictionary<ulong, int> _numbers = []; // of instructions, by address
    private readonly List<int>[] _next, _before;

    private LoopCode(ElfFile file, ElfSymbol function)
    {
        (_file, _function) = (file, function);
        var section = file.Sections[function.Section];
        var bytes = file.BytesOf(section).Slice((int)(function.Value - section.Address), (int)function.Size).ToArray();
        var decoder = Decoder.Create(64, bytes, function.Value);
        while (decoder.IP < function.End)
        {
            decoder.Decode(out var instruction);
            _numbers[instruction.IP] = _code.Count;
            _code.Add(instruction);
        }

        _relocations = [.. (file.StaticRelocations.GetValueOrDefault(function.Section) ?? []).Where(r => r.Offset >= function.Value && r.Offset < function.End)];
        _next = [.. _code.Select(i => Next(i).ToList())];
        _before = [.. _code.Select(_ => new List<int>())];
        for (var i = 0; i < _next.Length; i++)
            foreach (var next in _next[i]) _before[next].Add(i);
    }

    /// <summary>Whether a function of a file can be called anew.</summary>
    /// <param name="file">Its file.</param>
    /// <param name="function">The function.</param>
    /// <param name="returnAddress">Where it goes on, as linked.</param>
    /// <returns>Null, or why not: the end of a sentence that begins with the function.</returns>
    internal static string? WhyNotAnew(ElfFile file, ElfSymbol function, ulong returnAddress)
    {
        if (!HasCode(file, function)) return "has no code that can be looked at";
        var code = new LoopCode(file, function);
        if (code.CallBefore(returnAddress) is not { } call) return "stands behind no call of its own";
        return code.LoopAround(call) is { Count: > 0 } loop ? code.WhyNotAnew(loop) : "stands in no loop of its own";
    }

    /// <summary>Whether a function may come again to a call: what it calls there is no loop of the program's, but a part of one turn.</summary>
    /// <param name="file">Its file.</param>
    /// <param name="function">The function.</param>
    /// <param name="returnAddress">Where the call returns to, as linked.</param>
    internal static bool ComesAgain(ElfFile file, ElfSymbol function, ulong returnAddress)
    {
        if (!HasCode(file, function)) return true;
        var code = new LoopCode(file, function);
        return code.CallBefore(returnAddress) is not { } call || Reached(code._next[call], code.AnywhereFrom, []).Contains(call);
    }

    private static bool HasCode(ElfFile file, ElfSymbol function) =>
        file.Sections[function.Section] is { IsZero: false } section && function.Size > 0 && function.Value >= section.Address && function.End <= section.End;

    private int? CallBefore(ulong returnAddress) => _code.FindIndex(i => i.NextIP == returnAddress) is >= 0 and var call && IsCall(_code[call]) ? call : null;

    /// <summary>The outermost loop in which a call stands: all that leads from the call to the call again. Empty: it stands in none.</summary>
    private HashSet<int> LoopAround(int call)
    {
        var loop = Reached([call], _next);
        loop.IntersectWith(Reached([call], _before));
        return _next[call].Exists(loop.Contains) ? loop : [];
    }

    private string? WhyNotAnew(HashSet<int> loop)
    {
        // Up to the loop, but not through it. Where an indirect jump leads isn't known: it may be anywhere.
        var ahead = Reached([0], AnywhereFrom, loop);
        var leading = Reached(loop, _before);
        if (ahead.Any(i => _code[i].FlowControl == FlowControl.IndirectBranch)) leading.UnionWith(Enumerable.Range(0, _code.Count));
        var early = ahead.Where(i => !loop.Contains(i) && leading.Contains(i) && IsCall(_code[i])).Order().ToList();
        return early.Count == 0 ? null : $"calls {Named(_code[early[0]])} before its loop, and would do so again";
    }

    private IEnumerable<int> AnywhereFrom(int number) => _code[number].FlowControl == FlowControl.IndirectBranch ? Enumerable.Range(0, _code.Count) : _next[number];

    private static HashSet<int> Reached(IEnumerable<int> from, List<int>[] steps) => Reached(from, i => steps[i], []);

    private static HashSet<int> Reached(IEnumerable<int> from, Func<int, IEnumerable<int>> steps, HashSet<int> except)
    {
        var reached = new HashSet<int>(from.Where(i => !except.Contains(i)));
        var open = new Queue<int>(reached);
        while (open.TryDequeue(out var one))
            foreach (var next in steps(one))
                if (!except.Contains(next) && reached.Add(next)) open.Enqueue(next);
        return reached;
    }

    /// <summary>Those that may be executed next, within the function.</summary>
    private IEnumerable<int> Next(Instruction instruction)
    {
        var flow = instruction.FlowControl;
        if (flow is FlowControl.ConditionalBranch or FlowControl.UnconditionalBranch && instruction.Op0Kind == OpKind.NearBranch64
            && _numbers.TryGetValue(instruction.NearBranchTarget, out var target)) yield return target;
        if (flow is not (FlowControl.UnconditionalBranch or FlowControl.IndirectBranch or FlowControl.Return or FlowControl.Exception)
            && !(IsCall(instruction) && Imported(instruction) is { } name && _ends.Contains(name))
            && _numbers.TryGetValue(instruction.NextIP, out var following)) yield return following;
    }

    private static bool IsCall(in Instruction instruction) => instruction.FlowControl is FlowControl.Call or FlowControl.IndirectCall or FlowControl.Interrupt;

    /// <summary>What the linker was told to bind a call to; null: the assembler has bound it.</summary>
    private string? Imported(Instruction call) => _relocations.FirstOrDefault(r => r.Offset >= call.IP && r.Offset < call.NextIP) is { Symbol: > 0 } relocation
        && _file.Symbols[relocation.Symbol] is { Name.Length: > 0, Kind: not SymbolKind.Section } symbol ? symbol.Name.Split('@')[0] : null;

    private string Named(Instruction call)
    {
        if (call.Mnemonic == Mnemonic.Syscall) return "the kernel";
        if (Imported(call) is { } name) return $"{name}()";
        if (call.Op0Kind == OpKind.NearBranch64
            && _file.Symbols.FirstOrDefault(s => s is { IsDefined: true, Kind: SymbolKind.Function } && s.Value == call.NearBranchTarget) is { Name.Length: > 0 } known) return $"{known.Name}()";
        return $"a function (at {call.IP - _function.Value:x})";
    }
}

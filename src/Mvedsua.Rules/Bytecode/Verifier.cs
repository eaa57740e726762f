namespace Mvedsua.Rules.Bytecode;

/// <summary>Proves that an image can be interpreted within its bounds: every offset, slot, store, map and instruction.</summary>
/// <param name="words">The image.</param>
internal sealed class Verifier(uint[] words)
{
    private const int MostSlots = Language.Limits.Captures;

    internal void Verify()
    {
        if (words.Length < (int)Header.Count || At(Header.Magic) != Format.Magic) throw Refuse("it is none");
        if (At(Header.Version) != Format.Version) throw Refuse($"it has format {At(Header.Version)}, not {Format.Version}");
        if (At(Header.Words) != words.Length) throw Refuse("its size is not what it says");
        Section(Header.RulesAt, At(Header.Rules), Format.RuleWords);
        Section(Header.StepsAt, At(Header.Steps), Format.StepWords);
        Section(Header.CallsAt, At(Header.Calls), Format.CallWords);
        Section(Header.CodeAt, At(Header.Code), 1);
        Section(Header.ListsAt, At(Header.Lists), 1);
        Section(Header.IndexAt, Format.Numbers, 1);
        Section(Header.MapsAt, At(Header.Maps), Format.MapWords);
        Section(Header.LinesAt, At(Header.Lines), Format.LineWords);
        Section(Header.BeginsAt, At(Header.Begins), Format.BeginWords);
        Section(Header.TextAt, (At(Header.TextBytes) + 3) / 4, 1);
        Require(At(Header.Stores) <= Language.Limits.Stores && At(Header.Rules) < Format.EndOfList, "its counts");
        Index();
        for (uint i = 0; i < At(Header.Rules); i++) Rule(words.AsSpan((int)(At(Header.RulesAt) + i * Format.RuleWords), Format.RuleWords));
        for (uint i = 0; i < At(Header.Maps); i++)
        {
            var map = words.AsSpan((int)(At(Header.MapsAt) + i * Format.MapWords), Format.MapWords);
            Require((ulong)map[0] + map[1] <= At(Header.Lines), "a map");
        }
        for (uint i = 0; i < At(Header.Lines); i++)
        {
            var line = words.AsSpan((int)(At(Header.LinesAt) + i * Format.LineWords), Format.LineWords);
            Require(line[4] <= MostSlots && line[1] > 0 && line[3] > 0, "a line");
            // No maps within maps: interpreting one needs no depth.
            Code(line[0], line[1], (int)line[4], 0, Op.Match);
            Code(line[2], line[3], (int)line[4], 0, Op.Give);
        }
        for (uint i = 0; i < At(Header.Begins); i++)
        {
            var begin = words.AsSpan((int)(At(Header.BeginsAt) + i * Format.BeginWords), Format.BeginWords);
            Require(begin[1] < At(Header.Calls) && begin[2] < At(Header.Calls), "a beginning");
            Call(begin[1], Language.Limits.Captures, 0);
            Call(begin[2], Language.Limits.Captures, 0);
        }
    }

    private static FormatException Refuse(string why) => new($"rules image: {why}");

    private static void Require(bool holds, string what)
    {
        if (!holds) throw Refuse($"{what} is damaged");
    }

    private uint At(Header field) => words[(int)field];

    private void Section(Header at, uint count, int size) =>
        Require(At(at) >= (uint)Header.Count && (ulong)At(at) + (ulong)count * (uint)size <= (ulong)words.Length, at.ToString());

    private void Index()
    {
        var lists = At(Header.Lists);
        Require(lists > 0 && words[At(Header.ListsAt) + lists - 1] == Format.EndOfList, "the lists");
        for (uint i = 0; i < lists; i++)
        {
            var entry = words[At(Header.ListsAt) + i];
            Require(entry == Format.EndOfList || entry < At(Header.Rules), "a list");
        }
        for (uint i = 0; i < Format.Numbers; i++)
        {
            var entry = words[At(Header.IndexAt) + i];
            Require((entry & 0xffff) < lists && entry >> 16 < lists, "the index");
        }
    }

    private void Rule(ReadOnlySpan<uint> rule)
    {
        var (kind, slots, leaderSteps, followerSteps) = (rule[0] & 0xff, rule[1], rule[3], rule[5]);
        Require(kind <= 2 && slots <= MostSlots && leaderSteps <= Language.Limits.Steps && followerSteps <= Language.Limits.Steps, "a rule");
        Require((ulong)rule[2] + leaderSteps <= At(Header.Steps) && (ulong)rule[4] + followerSteps <= At(Header.Steps), "a rule's steps");
        Require(kind == 1 ? followerSteps == 0 && leaderSteps > 0 : followerSteps > 0 && (kind == 2) == (leaderSteps == 0), "a rule's kind");
        Steps(rule[2], leaderSteps, (int)slots, 0);
        Steps(rule[4], followerSteps, (int)slots, (int)leaderSteps);
        Code(rule[6], rule[7], (int)slots, 0, Op.Bad, Segment.Clauses);
    }

    private void Steps(uint first, uint count, int slots, int sources)
    {
        var repetitions = 0;
        for (var i = first; i < first + count; i++)
        {
            var step = words.AsSpan((int)(At(Header.StepsAt) + i * Format.StepWords), Format.StepWords);
            var (least, most, calls) = (step[0] & 0xff, step[0] >> 8 & 0xff, step[0] >> 16);
            Require(most > 0 && least <= most && calls is > 0 and <= 255 && (ulong)step[1] + calls <= At(Header.Calls), "a step");
            Require(i > first || least > 0, "a first step");
            if (least != 1 || most != 1 || calls != 1) repetitions++;
            for (var call = step[1]; call < step[1] + calls; call++) Call(call, slots, sources);
        }
        Require(repetitions <= 1, "a side with several repetitions");
    }

    private void Call(uint index, int slots, int sources)
    {
        var call = new ImageCall(words.AsSpan((int)(At(Header.CallsAt) + index * Format.CallWords), Format.CallWords));
        Require(call.Number < Format.Numbers && call.Source < sources, "a call");
        Code((uint)call.Tests.At, (uint)call.Tests.Words, slots, call.Source + 1, Op.Bad);
        Code((uint)call.Answer.At, (uint)call.Answer.Words, slots, call.Source + 1, Op.Bad, Segment.Answer);
        Code((uint)call.Fit.At, (uint)call.Fit.Words, slots, call.Source + 1, Op.Bad);
    }

    /// <param name="only">The one instruction that the code must be; Bad: any, as many as there are.</param>
    private void Code(uint at, uint length, int slots, int sources, Op only, Segment segment = Segment.Tests)
    {
        Require((ulong)at + length <= At(Header.Code), "a stretch of code");
        new CodeVerifier(words.AsSpan((int)(At(Header.CodeAt) + at), (int)length), slots, sources, (int)At(Header.Stores), (int)At(Header.Maps), At(Header.TextBytes)).Verify(only, segment);
    }
}

/// <summary>What a stretch of code may do beside looking.</summary>
internal enum Segment
{
    /// <summary>Capture.</summary>
    Tests,

    /// <summary>Store.</summary>
    Clauses,

    /// <summary>Answer.</summary>
    Answer,
}

/// <summary>Proves one stretch of code: it ends where it should, its stack neither runs over nor empty.</summary>
internal ref struct CodeVerifier(ReadOnlySpan<uint> code, int slots, int sources, int stores, int maps, uint text)
{
    private readonly ReadOnlySpan<uint> _code = code;
    private int _at;

    internal void Verify(Op only, Segment segment)
    {
        // The stack's depth where a skip ends: the same by both ways.
        var depths = new Dictionary<int, int>();
        var depth = 0;
        var hasBuffer = false;
        while (_at < _code.Length)
        {
            if (depths.Remove(_at, out var expected)) Require(depth == expected);
            var word = _code[_at++];
            var (op, a, b) = ((Op)(word & 0xff), (int)(word >> 8 & 0xff), (int)(word >> 16));
            Require(only == Op.Bad ? IsAllowed(op, segment) : op == only && _at == 1);
            var (pops, pushes) = Stack(op);
            Require(depth >= pops);
            depth += pushes - pops;
            Require(depth <= Format.Stack);
            Require(!NeedsBuffer(op) || hasBuffer || only != Op.Bad);
            hasBuffer |= op is Op.Sent or Op.Received or Op.Load;
            Operands(op, a, b, only);
            if (op is Op.SkipFalse or Op.SkipTrue)
            {
                Require(_at + b <= _code.Length && b > 0);
                var end = depth + 1; // the way that skips leaves its number
                Require(!depths.TryGetValue(_at + b, out var known) || known == end);
                depths[_at + b] = end;
            }
        }
        if (depths.Remove(_at, out var last)) Require(depth == last);
        Require(depths.Count == 0 && depth == 0);
        Require(only == Op.Bad || _code.Length > 0);
    }

    private static void Require(bool holds)
    {
        if (!holds) throw new FormatException("rules image: an instruction is damaged");
    }

    private static bool IsAllowed(Op op, Segment segment) => op switch
    {
        Op.StoreNumber or Op.StoreBytes => segment == Segment.Clauses,
        Op.Capture or Op.Append or Op.Take or Op.Match => segment == Segment.Tests,
        >= Op.Copy and <= Op.Execute => segment == Segment.Answer,
        _ => true,
    };

    private static (int Pops, int Pushes) Stack(Op op) => op switch
    {
        Op.Literal or Op.Argument or Op.Result or Op.Slot or Op.Stored or Op.Length or Op.Parse or Op.Matches => (0, 1),
        Op.Add or Op.Subtract or Op.Compare => (2, 1),
        Op.Test => (2, 0),
        Op.Not => (1, 1),
        Op.SkipFalse or Op.SkipTrue or Op.Require or Op.Capture or Op.Fit or Op.StoreNumber or Op.Return => (1, 0),
        _ => (0, 0),
    };

    private static bool NeedsBuffer(Op op) =>
        op is Op.Length or Op.Parse or Op.Match or Op.Matches or Op.FitBytes or Op.Append or Op.Take or Op.StoreBytes;

    private void Operands(Op op, int a, int b, Op only)
    {
        switch (op)
        {
            case Op.Literal:
                Require(_at + 2 <= _code.Length);
                _at += 2;
                break;
            case Op.Argument:
                Require(a < 6 && b <= 2);
                break;
            case Op.Slot or Op.Capture or Op.Fit or Op.Append or Op.Take:
                Require(b < slots);
                break;
            case Op.Stored or Op.StoreNumber or Op.StoreBytes:
                Require(b < stores);
                break;
            case Op.Test or Op.Compare:
                Require(a <= 5);
                break;
            case Op.Sent or Op.Received or Op.Fixed:
                Require(a < 6);
                break;
            case Op.Same:
                Require(a < 6 && sources > 0);
                break;
            case Op.Copy or Op.ReturnSource:
                Require(sources > 0);
                break;
            case Op.Room:
                Require(a < 6 && b > 0 && _at < _code.Length && _code[_at] < 6);
                _at++;
                break;
            case Op.Load:
                Part(inMap: false);
                break;
            case Op.Match or Op.Matches or Op.FitBytes or Op.Give:
                Require(b is > 0 and <= Language.Limits.Parts && a < 6);
                for (var i = 0; i < b; i++) Part(inMap: only != Op.Bad);
                break;
            default:
                Require(op is > Op.Bad and <= Op.Execute);
                break;
        }
    }

    private void Part(bool inMap)
    {
        Require(_at < _code.Length);
        var word = _code[_at++];
        var (kind, a, b) = ((PartKind)(word & 0x7f), (int)(word >> 8 & 0xff), (int)(word >> 16));
        switch (kind)
        {
            case PartKind.Text:
                Require(_at + 2 <= _code.Length && (ulong)_code[_at] + _code[_at + 1] <= text && a <= 1);
                _at += 2;
                break;
            case PartKind.Slot:
                Require(b < slots && a <= 5);
                break;
            case PartKind.Any:
                break;
            case PartKind.Stored:
                Require(b < stores && !inMap);
                break;
            case PartKind.Mapped:
                Require(b < maps && !inMap);
                Part(inMap: true);
                break;
            default:
                Require(false);
                break;
        }
    }
}

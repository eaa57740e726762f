using Mvedsua.Abi.Calls;
using Mvedsua.Rules.Checking;
using Mvedsua.Rules.Events;
using Mvedsua.Rules.Language;

namespace Mvedsua.Rules.Bytecode;

/// <summary>Makes the image of checked rules. No state, safe from any thread.</summary>
public static class Compiler
{
    /// <summary>The image: little-endian words, as docs/rule-language.md describes them. Never refused: the checker has bounded the rules.</summary>
    public static byte[] Compile(RuleSet rules)
    {
        ArgumentNullException.ThrowIfNull(rules);
        return new ImageWriter(rules).Write();
    }
}

/// <summary>Collects the sections of one image.</summary>
internal sealed class ImageWriter(RuleSet rules)
{
    private readonly CodeWriter _code = new();
    private readonly List<uint> _rules = [];
    private readonly List<uint> _steps = [];
    private readonly List<uint> _calls = [];
    private readonly List<uint> _maps = [];
    private readonly List<uint> _lines = [];
    private readonly List<uint> _begins = [];

    internal byte[] Write()
    {
        foreach (var map in rules.Maps) Map(map);
        foreach (var rule in rules.Rules) Rule(rule);
        foreach (var begin in rules.Begins)
        {
            _begins.Add(Scope(begin.Scope));
            _begins.Add(Call(begin.Leader, []));
            _begins.Add(Call(begin.Follower, []));
        }
        var (index, lists) = Index();
        return Join(index, lists);
    }

    private static uint Scope(ThreadScope scope) => (uint)scope.Kind << 8 | (uint)scope.Number << 16;

    private void Rule(CheckedRule rule)
    {
        var appended = rule.Leader.SelectMany(step => step.Calls).SelectMany(call => call.Tests).OfType<AppendTest>().Select(test => test.Slot).ToHashSet();
        var leader = Steps(rule.Leader, appended);
        var follower = Steps(rule.Follower, appended);
        var clauses = _code.At;
        foreach (var condition in rule.Conditions)
        {
            _code.Condition(condition);
            _code.Emit(Op.Require);
        }
        foreach (var (store, value) in rule.Stored)
        {
            if (value is BytesValue bytes) _code.Load(bytes.Bytes);
            else _code.Number(value);
            _code.Emit(value is BytesValue ? Op.StoreBytes : Op.StoreNumber, 0, store);
        }
        _rules.AddRange([(uint)rule.Kind | Scope(rule.Scope), (uint)rule.Slots.Count, leader, (uint)rule.Leader.Count, follower,
            (uint)rule.Follower.Count, (uint)clauses, (uint)(_code.At - clauses)]);
    }

    private uint Steps(IReadOnlyList<CheckedStep> steps, HashSet<int> appended)
    {
        var entries = new List<uint>();
        foreach (var step in steps)
        {
            var calls = step.Calls.Select(call => Call(call, appended)).ToList();
            entries.AddRange([(uint)step.Least | (uint)step.Most << 8 | (uint)calls.Count << 16, calls[0]]);
        }
        var first = (uint)(_steps.Count / Format.StepWords);
        _steps.AddRange(entries);
        return first;
    }

    private uint Call(CheckedCall call, HashSet<int> appended)
    {
        var start = _code.At;
        foreach (var test in call.Tests) Test(test, call.Row);
        var tests = _code.At - start;
        Answer(call);
        var answer = _code.At - start - tests;
        foreach (var test in call.Tests) Fit(test, call.Row, appended);
        var fit = _code.At - start - tests - answer;
        _calls.AddRange([(uint)call.Row.Number | (call.IsExecuted ? Format.Executed << 16 : 0) | (uint)(call.Source + 1) << 24,
            (uint)start, (uint)tests | (uint)answer << 16, (uint)fit]);
        return (uint)(_calls.Count / Format.CallWords - 1);
    }

    private void Push(Field field, CallRow row)
    {
        if (field.Kind == FieldKind.Result) _code.Emit(Op.Result);
        else _code.Emit(Op.Argument, field.Argument, Width(row.Arguments[field.Argument]));
    }

    private static int Width(ArgumentRow argument) =>
        ArgumentFacts.Number(argument, ulong.MaxValue) == uint.MaxValue ? 1 : ArgumentFacts.Number(argument, 1ul << 32) == 0 ? 0 : 2;

    private void Buffer(Field field) => _code.Emit(field.Kind == FieldKind.Sent ? Op.Sent : Op.Received, field.Argument);

    private void Test(Test test, CallRow row)
    {
        switch (test)
        {
            case SuccessTest:
                _code.Emit(Op.Success, ArgumentFacts.SendsBytes(row) ? 1 : 0);
                break;
            case SourceTest:
                _code.Emit(Op.Same, test.Field.Argument);
                break;
            case NumberTest number:
                Push(test.Field, row);
                _code.Number(number.Value);
                _code.Emit(Op.Test, (int)number.Comparison);
                break;
            case NumberCapture capture:
                Push(test.Field, row);
                _code.Emit(Op.Capture, 0, capture.Slot);
                break;
            case BytesTest bytes:
                Buffer(test.Field);
                _code.Parts(Op.Match, 0, bytes.Parts);
                break;
            case AppendTest append:
                Buffer(test.Field);
                _code.Emit(Op.Append, 0, append.Slot);
                break;
            case TakeTest take:
                Buffer(test.Field);
                _code.Emit(Op.Take, 0, take.Slot);
                break;
        }
    }

    // What the leader's next events can't change, and nothing else.
    private void Fit(Test test, CallRow row, HashSet<int> appended)
    {
        switch (test)
        {
            case NumberTest { Value: ConstantValue }:
                Test(test, row);
                break;
            case NumberCapture capture when test.Field.Kind == FieldKind.Number:
                Push(test.Field, row);
                _code.Emit(Op.Fit, 0, capture.Slot);
                break;
            case BytesTest bytes when test.Field.Kind == FieldKind.Sent:
                Buffer(test.Field);
                _code.Parts(Op.FitBytes, 0, bytes.Parts, part => part is CapturePart { Slot: >= 0 } capture && appended.Contains(capture.Slot));
                break;
        }
    }

    private void Answer(CheckedCall call)
    {
        if (call.IsExecuted)
        {
            _code.Emit(Op.Execute);
            return;
        }
        if (call.Source >= 0) _code.Emit(Op.Copy);
        foreach (var gift in call.Gifts) _code.Parts(Op.Give, gift.Argument, gift.Parts);
        switch (call.Default)
        {
            case DefaultResult.AllSent:
                _code.Emit(Op.ReturnSent);
                break;
            case DefaultResult.AllGiven:
                _code.Emit(Op.ReturnGiven);
                break;
            case DefaultResult.Source:
                _code.Emit(Op.ReturnSource);
                break;
            default:
                _code.Number(call.Result ?? new ConstantValue(call.At, 0));
                _code.Emit(Op.Return);
                break;
        }
        for (var i = 0; i < call.Row.Arguments.Count; i++) Room(call.Row.Arguments[i], i);
        if (call.Gifts.Count > 0 && call.Row.Result == CallResult.Bytes) _code.Emit(Op.AllGiven);
        foreach (var gift in call.Gifts)
        {
            var argument = call.Row.Arguments[gift.Argument];
            if (argument.LengthArgument < 0 && argument.Structure == StructRow.Bytes) _code.Emit(Op.Fixed, gift.Argument, argument.Unit);
        }
    }

    private void Room(ArgumentRow argument, int index)
    {
        if (argument.Kind is not (ArgumentKind.Out or ArgumentKind.OutAll) || argument.LengthArgument < 0) return;
        _code.Emit(Op.Room, index, Math.Max(1, argument.Unit));
        _code.Words.Add((uint)argument.LengthArgument);
    }

    private void Map(LineMap map)
    {
        _maps.AddRange([(uint)(_lines.Count / Format.LineWords), (uint)map.Lines.Count]);
        foreach (var line in map.Lines)
        {
            var pattern = _code.At;
            _code.Parts(Op.Match, 0, line.Pattern);
            var template = _code.At;
            _code.Parts(Op.Give, 0, line.Template);
            _lines.AddRange([(uint)pattern, (uint)(template - pattern), (uint)template, (uint)(_code.At - template), (uint)line.Slots]);
        }
    }

    /// <summary>By call number: the rules whose first call of the follower it is (low half), and those that drop it (high half).</summary>
    private (List<uint> Index, List<uint> Lists) Index()
    {
        var lists = new List<uint> { Format.EndOfList };
        var index = new List<uint>(new uint[Format.Numbers]);
        foreach (var group in rules.Rules.Where(rule => rule.Kind != RuleKind.Dropping).GroupBy(rule => rule.Follower[0].Calls[0].Row.Number)) index[group.Key] |= List(group);
        foreach (var group in rules.Rules.Where(rule => rule.Kind == RuleKind.Dropping).GroupBy(rule => rule.Leader[0].Calls[0].Row.Number)) index[group.Key] |= List(group) << 16;
        return (index, lists);

        uint List(IEnumerable<CheckedRule> group)
        {
            var at = (uint)lists.Count;
            lists.AddRange(group.Select(rule => (uint)rule.Index));
            lists.Add(Format.EndOfList);
            return at;
        }
    }

    private byte[] Join(List<uint> index, List<uint> lists)
    {
        var header = new uint[(int)Header.Count];
        var words = new List<uint>();
        Section(Header.Rules, Header.RulesAt, _rules, Format.RuleWords);
        Section(Header.Steps, Header.StepsAt, _steps, Format.StepWords);
        Section(Header.Calls, Header.CallsAt, _calls, Format.CallWords);
        Section(Header.Code, Header.CodeAt, _code.Words, 1);
        Section(Header.Lists, Header.ListsAt, lists, 1);
        Section(null, Header.IndexAt, index, 1);
        Section(Header.Maps, Header.MapsAt, _maps, Format.MapWords);
        Section(Header.Lines, Header.LinesAt, _lines, Format.LineWords);
        Section(Header.Begins, Header.BeginsAt, _begins, Format.BeginWords);
        header[(int)Header.TextAt] = (uint)(header.Length + words.Count);
        header[(int)Header.TextBytes] = (uint)_code.Text.Count;
        while (_code.Text.Count % 4 != 0) _code.Text.Add(0);
        header[(int)Header.Magic] = Format.Magic;
        header[(int)Header.Version] = Format.Version;
        header[(int)Header.Stores] = (uint)rules.Stores.Count;
        header[(int)Header.Words] = (uint)(header.Length + words.Count + _code.Text.Count / 4);
        var bytes = new List<byte>();
        foreach (var word in header.Concat(words)) bytes.AddRange(BitConverter.GetBytes(word));
        return [.. bytes, .. _code.Text];

        void Section(Header? count, Header at, List<uint> content, int size)
        {
            if (count is { } place) header[(int)place] = (uint)(content.Count / size);
            header[(int)at] = (uint)(header.Length + words.Count);
            words.AddRange(content);
        }
    }
}

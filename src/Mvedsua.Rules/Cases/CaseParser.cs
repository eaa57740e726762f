using System.Globalization;
using System.Text;
using Mvedsua.Rules.Events;
using Mvedsua.Rules.Language;

namespace Mvedsua.Rules.Cases;

/// <summary>Reads files of cases (docs/rule-language.md). A line that can't be read is a problem; the rest is read on.</summary>
public sealed class CaseParser
{
    private enum Section
    {
        None,
        Leader,
        Follower,
    }

    private static readonly string[] Words = ["rules", "test", "thread", "leader", "follower"];
    private readonly List<Problem> _problems = [];
    private readonly List<RuleCase> _cases = [];
    private string? _rulesPath;
    private string? _name;
    private SourcePosition _at;
    private int _thread = 1;
    private Section _section;
    private List<CallRecord> _leader = [];
    private List<ExpectedCall> _follower = [];

    private CaseParser()
    {
    }

    /// <summary>Reads a text; never throws, whatever the text.</summary>
    public static CaseFile Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var parser = new CaseParser();
        if (text.Length > Limits.Text) parser.Complain(new(1, 1), $"the text is longer than {Limits.Text >> 20} MiB");
        else parser.Lines(text);
        return new(parser._rulesPath, parser._cases, parser._problems);
    }

    private void Complain(SourcePosition at, string message, string? hint = null) => _problems.Add(new(at, ProblemKind.Error, message, hint));

    private void Lines(string text)
    {
        var number = 0;
        foreach (var line in text.Split('\n'))
        {
            number++;
            if (_problems.Count >= Limits.Problems) return;
            try
            {
                Line(line.TrimEnd('\r'), number);
            }
            catch (RuleTextException e)
            {
                _problems.Add(e.Problem);
            }
        }
        EndCase();
        if (_cases.Count == 0 && _problems.Count == 0) Complain(new(1, 1), "there is no case here", "a case begins with: test \"name\"");
    }

    private void Line(string line, int number)
    {
        var offset = line.Length - line.TrimStart().Length;
        var text = line.Trim();
        if (text.Length == 0 || text[0] == '#') return;
        var at = new SourcePosition(number, offset + 1);
        var word = text.Split(' ', '\t', ':')[0];
        if (_section != Section.None && (EventParser.IsCall(text) || text[0] == '[' || text.StartsWith("exec ", StringComparison.Ordinal)))
        {
            Event(text, number, offset);
            return;
        }
        var rest = text[word.Length..].TrimStart(':').Trim();
        switch (word)
        {
            case "rules" when rest.Length > 0 && _name is null:
                _rulesPath = rest;
                break;
            case "test":
                EndCase();
                (_name, _at) = (Name(rest, at), at);
                break;
            case "thread" when _name is not null && int.TryParse(rest, NumberStyles.None, CultureInfo.InvariantCulture, out var thread) && thread is > 0 and < 65536:
                _thread = thread;
                break;
            case "leader" when _name is not null && rest.Length == 0:
                _section = Section.Leader;
                break;
            case "follower" when _name is not null && rest.Length == 0:
                _section = Section.Follower;
                break;
            default:
                throw new RuleTextException(at, $"'{word}' means nothing here",
                    Suggestion.For(word, Words) ?? "a case is: test \"name\", leader and its events, follower and its calls");
        }
    }

    private static string Name(string text, SourcePosition at)
    {
        if (text.Length >= 2 && text[0] == '"' && QuotedText.Measure(text, 0) == text.Length && QuotedText.TryDecode(text.AsSpan(1, text.Length - 2), out var bytes, out _))
            return Encoding.UTF8.GetString(bytes);
        throw new RuleTextException(at, "the name of a case stands in quotes: test \"name\"");
    }

    private void Event(string text, int number, int offset)
    {
        var at = new SourcePosition(number, offset + 1);
        var end = ExpectedEnd.Answered;
        var call = text;
        if (call[0] == '[' && call.IndexOf(']', StringComparison.Ordinal) is > 0 and var bracket) call = call[(bracket + 1)..].TrimStart(); // as trace prints the thread
        if (call.StartsWith("exec ", StringComparison.Ordinal))
        {
            if (_section == Section.Leader) throw new RuleTextException(at, "the leader has made its calls already", "'exec' stands before calls of the follower");
            (end, call) = (ExpectedEnd.Executed, call[5..].TrimStart());
        }
        var record = EventParser.Parse(call, number, offset + text.Length - call.Length, _thread, out var rest);
        if (record.Cut != 0) throw new RuleTextException(at, "a buffer is cut here, and only whole ones can be judged", "write all its bytes");
        if (_section == Section.Leader)
        {
            if (rest.Length > 0) throw new RuleTextException(at, $"what is '{rest}' behind the event?");
            if (record.Result is null) throw new RuleTextException(at, "an event of the leader has a result", "write '= RESULT' behind it");
            _leader.Add(record);
            return;
        }
        if (rest.StartsWith("diverges", StringComparison.Ordinal)) (end, rest) = (ExpectedEnd.Diverges, rest["diverges".Length..].TrimStart());
        string? rule = null;
        if (rest.StartsWith("by ", StringComparison.Ordinal)) (rule, rest) = (Name(rest[3..].Trim(), at), "");
        if (rest.Length > 0) throw new RuleTextException(at, $"what is '{rest}' behind the call?", "'diverges', or 'by \"rule\"'");
        _follower.Add(new(at, record, end, rule));
    }

    private void EndCase()
    {
        if (_name is not null) _cases.Add(new(_name, _at, _thread, _leader, _follower));
        (_name, _thread, _section, _leader, _follower) = (null, 1, Section.None, [], []);
    }
}

using System.Globalization;
using System.Text;

namespace Mvedsua.Rules.Language;

/// <summary>
/// Reads a text of rules by recursive descent (grammar: docs/rule-language.md). An error ends its rule, not the file: reading
/// goes on at the next <c>rule</c>, <c>begin</c>, <c>lines</c> or <c>thread</c>.
/// </summary>
internal sealed class Parser
{
    private static readonly string[] Items = ["rule", "begin", "thread", "lines"];
    private readonly Lexer _lexer;
    private readonly List<Problem> _problems;
    private readonly List<RuleSyntax> _rules = [];
    private readonly List<BeginSyntax> _begins = [];
    private readonly List<LinesSyntax> _lines = [];
    private readonly ExpressionParser _expressions;
    private Token _token = new(new(1, 1), TokenKind.End, "");

    private Parser(string text, List<Problem> problems)
    {
        (_lexer, _problems) = (new Lexer(text), problems);
        _expressions = new(this);
    }

    /// <summary>The token that is looked at.</summary>
    internal Token Token => _token;

    /// <summary>What could be read; what could not is added to the problems.</summary>
    internal static FileSyntax Parse(string text, List<Problem> problems)
    {
        var parser = new Parser(text, problems);
        if (text.Length > Limits.Text)
            problems.Add(new(new(1, 1), ProblemKind.Error, $"the text is longer than {Limits.Text >> 20} MiB"));
        else
            parser.File();
        return new(parser._rules, parser._begins, parser._lines);
    }

    internal bool Is(string text) => _token.Kind is TokenKind.Symbol or TokenKind.Word && _token.Text == text;

    internal Token Take()
    {
        var taken = _token;
        while (true)
        {
            try
            {
                _token = _lexer.Next();
                return taken;
            }
            catch (NoTokenException e)
            {
                // What was read so far stands: only the rest of the line is passed over.
                if (_problems.Count < Limits.Problems) _problems.Add(e.Problem);
                _lexer.Skip();
            }
        }
    }

    internal bool TryTake(string text)
    {
        if (!Is(text)) return false;
        Take();
        return true;
    }

    internal Token Expect(string text, string place) =>
        Is(text) ? Take() : throw Unexpected($"'{text}' {place}");

    internal Token ExpectWord(string what) => _token.Kind == TokenKind.Word ? Take() : throw Unexpected(what);

    internal RuleTextException Unexpected(string expected, string? hint = null) =>
        new(_token.At, $"expected {expected}, found {_token.Shown}", hint);

    private void File()
    {
        Guarded(() => Take());
        while (_token.Kind != TokenKind.End && _problems.Count < Limits.Problems) Item(new(ScopeKind.Everywhere), inThread: false);
    }

    private void Item(ThreadScope scope, bool inThread)
    {
        var first = _token;
        if (Guarded(() => OneItem(scope, inThread))) return;
        if (ReferenceEquals(first, _token)) Guarded(() => Take());
        // On to where the next one begins; not further than the end of a thread's block.
        while (_token.Kind != TokenKind.End && !Array.Exists(Items, Is) && !(inThread && Is("}"))) Guarded(() => Take());
    }

    private bool Guarded(Action read)
    {
        try
        {
            read();
            return true;
        }
        catch (RuleTextException e)
        {
            // Behind characters that are no token, the rest of the line is hardly what its author meant.
            var follows = _problems.Count > 0 && _problems[^1].At.Line == e.Problem.At.Line;
            if (!follows && _problems.Count < Limits.Problems) _problems.Add(e.Problem);
            return false;
        }
    }

    private void OneItem(ThreadScope scope, bool inThread)
    {
        switch (_token.Kind == TokenKind.Word ? _token.Text : "")
        {
            case "rule":
                Rule(scope);
                break;
            case "begin":
                var begin = Take();
                var leader = Call();
                Expect("=>", "between the leader's and the follower's call of 'begin'");
                _begins.Add(new(begin.At, scope, leader, Call()));
                break;
            case "thread" when !inThread:
                Thread();
                break;
            case "lines" when !inThread:
                Lines();
                break;
            default:
                throw Unexpected(inThread ? "'rule', 'begin' or '}'" : "'rule', 'begin', 'lines' or 'thread'",
                    _token.Kind == TokenKind.Word ? Suggestion.For(_token.Text, Items) : null);
        }
    }

    private void Thread()
    {
        Take();
        var scope = _token switch
        {
            { Kind: TokenKind.Word, Text: "main" } => new ThreadScope(ScopeKind.Main),
            { Kind: TokenKind.Word, Text: "others" } => new ThreadScope(ScopeKind.Others),
            { Kind: TokenKind.Number, Number: >= 1 and <= 65535 } => new ThreadScope(ScopeKind.Numbered, (int)_token.Number),
            _ => throw Unexpected("'main', 'others' or a thread's number from 1 on"),
        };
        Take();
        Expect("{", "behind the thread");
        while (!Is("}"))
        {
            if (_token.Kind == TokenKind.End) throw Unexpected("'}' at the end of the thread's rules");
            if (_problems.Count >= Limits.Problems) return;
            Item(scope, inThread: true);
        }
        Take();
    }

    private void Lines()
    {
        var at = Take().At;
        var name = ExpectWord("the name by which rules refer to these lines");
        Expect("{", "behind the name");
        var lines = new List<LineSyntax>();
        while (!Is("}"))
        {
            if (lines.Count == Limits.LineMaps) throw new RuleTextException(_token.At, $"more than {Limits.LineMaps} lines in one block");
            var line = _token.At;
            var pattern = _expressions.Buffer();
            Expect("=>", "between a line and what it becomes");
            lines.Add(new(line, pattern, _expressions.Buffer()));
            if (!TryTake(";")) break;
        }
        Expect("}", "at the end of the lines, ';' between them");
        if (_lines.Count == Limits.LineMaps) throw new RuleTextException(at, $"more than {Limits.LineMaps} blocks of lines");
        _lines.Add(new(at, name.Text, lines));
    }

    private void Rule(ThreadScope scope)
    {
        var at = Take().At;
        if (_rules.Count == Limits.Rules) throw new RuleTextException(at, $"more than {Limits.Rules} rules");
        var name = _token.Kind == TokenKind.String ? Encoding.UTF8.GetString(Take().Bytes!) : null;
        TryTake(":");
        var leader = Side();
        Expect("=>", "between the leader's events and the follower's calls");
        var follower = Side();
        List<Expression> conditions = [];
        List<StoreSyntax> stores = [];
        while (Is("where") || Is("store"))
        {
            if (Take().Text == "where")
            {
                conditions.Add(_expressions.Condition());
                continue;
            }
            if (_token.Kind != TokenKind.Store) throw Unexpected("the name of what is stored, such as @time");
            var store = Take();
            Expect("=", "behind the name of what is stored");
            stores.Add(new(store.At, store.Text, _expressions.Sum()));
        }
        _rules.Add(new(at, name, scope, leader, follower, conditions, stores));
    }

    private SideSyntax Side()
    {
        var at = _token.At;
        if (TryTake("nothing")) return new(at, []);
        var steps = new List<StepSyntax>();
        do steps.Add(Step());
        while (TryTake(";"));
        return new(at, steps);
    }

    private StepSyntax Step()
    {
        var at = _token.At;
        if (!TryTake("(")) return Call();
        var calls = new List<CallSyntax>();
        do
        {
            if (Is("(")) throw new RuleTextException(_token.At, "a repetition can't stand in another one");
            calls.Add(Call());
        }
        while (TryTake(";"));
        Expect(")", "at the end of the repeated calls");
        var (least, most) = Rounds();
        return new RepetitionSyntax(at, least, most, calls);
    }

    private (int Least, int Most) Rounds()
    {
        if (TryTake("?")) return (0, 1);
        if (TryTake("*")) return (0, Limits.Rounds);
        if (TryTake("+")) return (1, Limits.Rounds);
        if (!Is("{")) throw Unexpected("'?', '*', '+' or '{least,most}' behind the repeated calls");
        var at = Take().At;
        var least = Count();
        var most = TryTake(",") ? Count() : least;
        Expect("}", "behind the number of rounds");
        if (most > Limits.Rounds || least > most || most == 0)
            throw new RuleTextException(at, string.Create(CultureInfo.InvariantCulture, $"{least} to {most} rounds are not possible"),
                $"at least one, at most {Limits.Rounds}, the smaller number first");
        return ((int)least, (int)most);

        long Count() => _token.Kind == TokenKind.Number ? Take().Number : throw Unexpected("a number of rounds");
    }

    private CallSyntax Call()
    {
        var at = _token.At;
        var word = ExpectWord("a call, 'nothing' or '('");
        Token? label = null;
        if (TryTake(":"))
        {
            label = word;
            word = ExpectWord("the call behind its label");
        }
        var executed = word.Text == "exec";
        if (executed) word = ExpectWord("the call behind 'exec'");
        Expect("(", $"behind the call '{word.Text}'");
        var arguments = new List<ArgumentSyntax>();
        if (!TryTake(")"))
        {
            do arguments.Add(Argument());
            while (TryTake(","));
            Expect(")", "at the end of the arguments");
        }
        var result = TryTake("=") ? _expressions.Result() : null;
        return new(at, label, executed, word, arguments, result);
    }

    private ArgumentSyntax Argument()
    {
        var at = _token.At;
        if (_token.Kind != TokenKind.Word || Is("_")) return new(at, null, _expressions.Pattern());
        var word = Take();
        return TryTake(":")
            ? new(at, word, _expressions.Pattern())
            : new(at, null, _expressions.PatternFrom(word));
    }
}

namespace Mvedsua.Update.Descriptions;

/// <summary>Reads descriptions. A line with an error is noted and skipped, so that all errors are told at once.</summary>
public sealed class DescriptionParser
{
    private const string Place = "struct TAG.FIELD, TYPEDEF.FIELD, GLOBAL or GLOBAL.FIELD";
    private static readonly (string Word, string Form)[] s_forms =
    [
        ("rename", "rename struct OLD to NEW | rename struct TAG.FIELD to NEW | rename global OLD to NEW | rename function OLD to NEW"),
        ("init", "init struct TAG.FIELD = EXPRESSION"),
        ("convert", "convert struct TAG.FIELD = EXPRESSION | convert struct TAG by FUNCTION"),
        ("converters", "converters \"FILE.c\" [with \"COMPILER FLAGS\"]"),
        ("type", "type struct TAG.FIELD is struct TARGET *"),
        ("valid", "valid struct TAG.UNION is MEMBER when CONDITION"),
        ("length", "length struct TAG.FIELD is EXPRESSION"),
        ("keep", "keep struct TAG.FIELD"),
        ("call", "call FUNCTION(ARGUMENTS)"),
        ("resume", "resume FUNCTION(ARGUMENTS)"),
        ("thread", "thread FUNCTION restarts at FUNCTION | thread FUNCTION ends"),
        ("update", "update at CALL | update at point NAME"),
        ("on", "on failure rollback | on failure retry COUNT every MILLISECONDS ms"),
    ];

    private readonly List<DescriptionError> _errors = [];
    private readonly List<Statement> _statements = [];
    private readonly TokenReader _tokens;
    private string _form = "";

    private DescriptionParser(string text) => _tokens = new TokenReader(Lexer.Cut(text, _errors));

    /// <summary>Reads a description's text.</summary>
    public static (IReadOnlyList<Statement> Statements, IReadOnlyList<DescriptionError> Errors) Parse(string text)
    {
        var parser = new DescriptionParser(text);
        parser.Read();
        return (parser._statements, parser._errors);
    }

    private void Read()
    {
        while (_tokens.Current.Kind != TokenKind.End)
        {
            if (_tokens.Current.Kind == TokenKind.EndOfLine)
            {
                _tokens.Take();
                continue;
            }

            try
            {
                var statement = ReadStatement();
                if (_tokens.Current.Kind is not (TokenKind.EndOfLine or TokenKind.End)) throw _tokens.Unexpected("the end of the line", _form);
                _statements.Add(statement);
            }
            catch (SyntaxException e)
            {
                _errors.Add(e.Error);
                _tokens.SkipLine();
            }
        }
    }

    private Statement ReadStatement()
    {
        var first = _tokens.Take();
        _form = s_forms.FirstOrDefault(f => f.Word == first.Text).Form ?? "";
        if (first.Kind != TokenKind.Word || _form.Length == 0)
        {
            var all = s_forms.Select(f => f.Word).ToList();
            throw new SyntaxException(new DescriptionError(first.At, $"{first.Shown} begins no statement", Spelling.DidYouMean(first.Text, all)
                ?? $"statements begin with {string.Join(", ", all)}"));
        }

        return first.Text switch
        {
            "rename" => Rename(first.At),
            "init" => Set(first.At, isInit: true),
            "convert" => Convert(first.At),
            "converters" => Converters(first.At),
            "type" => Type(first.At),
            "valid" => Valid(first.At),
            "length" => Length(first.At),
            "keep" => new KeepPointer(ReadPlace(), first.At),
            "call" => new CallStatement(ReadFunction(), ReadArguments(), first.At),
            "resume" => new ResumeAt(ReadFunction(), ReadArguments(), first.At),
            "thread" => Thread(first.At),
            "update" => Update(first.At),
            _ => Failure(first.At),
        };
    }

    private Statement Rename(Position at)
    {
        foreach (var kind in new[] { "global", "function" })
        {
            if (!_tokens.Current.Is(kind) || _tokens.Next.Kind != TokenKind.Word || _tokens.Next.Is("to")) continue;
            _tokens.Take();
            var old = _tokens.ExpectWord("its old name", _form);
            _tokens.Expect("to", _form);
            return new RenameSymbol(kind == "function", old, _tokens.ExpectWord("its new name", _form), at);
        }

        var place = ReadPlace();
        _tokens.Expect("to", _form);
        if (place.Fields.Count > 0) return new RenameField(place, _tokens.ExpectWord("the field's new name", _form), at);
        var type = ReadType();
        return new RenameType(place.Start, type.Kind is null && place.Start.Kind is { } kindOfOld
            ? type with { Kind = new Word(kindOfOld.Text, type.Name.At) } : type, at);
    }

    private SetField Set(Position at, bool isInit)
    {
        var place = ReadPlace();
        _tokens.Expect("=", _form);
        return new SetField(isInit, place, ReadExpression(), at);
    }

    private Statement Convert(Position at)
    {
        var place = ReadPlace();
        if (place.Fields.Count == 0 && _tokens.TryTake("by")) return new ConvertBy(place.Start, _tokens.ExpectWord("a function", _form), at);
        _tokens.Expect("=", _form);
        return new SetField(false, place, ReadExpression(), at);
    }

    private ConverterFile Converters(Position at)
    {
        var file = ReadText("the C file, in quotes");
        return new ConverterFile(file, _tokens.TryTake("with") ? ReadText("compiler flags, in quotes") : null, at);
    }

    private TypePointer Type(Position at)
    {
        var place = ReadPlace();
        _tokens.Expect("is", _form);
        return new TypePointer(place, ReadType(), at);
    }

    private ValidMember Valid(Position at)
    {
        var place = ReadPlace();
        _tokens.Expect("is", _form);
        var member = _tokens.ExpectWord("a member of the union", _form);
        _tokens.Expect("when", _form);
        return new ValidMember(place, member, ReadExpression(), at);
    }

    private LengthOf Length(Position at)
    {
        var place = ReadPlace();
        _tokens.Expect("is", _form);
        return new LengthOf(place, ReadExpression(), at);
    }

    private Word ReadFunction() => _tokens.ExpectWord("a function", _form);

    private List<ArgumentSyntax> ReadArguments()
    {
        _tokens.Expect("(", _form);
        var arguments = new List<ArgumentSyntax>();
        while (!_tokens.TryTake(")"))
        {
            if (arguments.Count > 0) _tokens.Expect(",", _form);
            arguments.Add(Argument());
        }
        return arguments;
    }

    private ArgumentSyntax Argument()
    {
        var at = _tokens.Current.At;
        var isNegative = _tokens.TryTake("-");
        if (_tokens.Current.Kind == TokenKind.Number)
        {
            var token = _tokens.Take();
            return new ArgumentSyntax(false, [], isNegative ? new Unary("-", new Constant(token.Value)).Evaluate([]) : token.Value,
                at.To(token.At));
        }

        if (isNegative) throw _tokens.Unexpected("a number", _form);
        var isAddress = _tokens.TryTake("&");
        var names = new List<Word> { _tokens.ExpectWord("a global, its address (&GLOBAL) or a number", _form) };
        while (_tokens.TryTake(".")) names.Add(_tokens.ExpectWord("a field", _form));
        return new ArgumentSyntax(isAddress, names, default, at.To(names[^1].At));
    }

    private ThreadStatement Thread(Position at)
    {
        var function = _tokens.ExpectWord("the function that the thread began in", _form);
        if (_tokens.TryTake("ends")) return new ThreadStatement(function, null, at);
        _tokens.Expect("restarts", _form);
        _tokens.Expect("at", _form);
        return new ThreadStatement(function, _tokens.ExpectWord("a function", _form), at);
    }

    private UpdateAt Update(Position at)
    {
        _tokens.Expect("at", _form);
        var isPoint = _tokens.Current.Is("point") && _tokens.Next.Kind == TokenKind.Word;
        if (isPoint) _tokens.Take();
        return new UpdateAt(_tokens.ExpectWord("a system call, such as epoll_wait, or 'point' and its name", _form), isPoint, at);
    }

    private OnFailure Failure(Position at)
    {
        _tokens.Expect("failure", _form);
        if (_tokens.TryTake("rollback")) return new OnFailure(0, 0, at);
        _tokens.Expect("retry", _form);
        var count = ReadCount("a count", 1, 1000);
        _tokens.Expect("every", _form);
        var pause = ReadCount("a number of milliseconds", 1, 3_600_000);
        _tokens.Expect("ms", _form);
        return new OnFailure(count, pause, at);
    }

    private int ReadCount(string what, int least, int greatest)
    {
        if (_tokens.Current.Kind != TokenKind.Number) throw _tokens.Unexpected(what, _form);
        var token = _tokens.Take();
        if (token.Value.IsFloating || token.Value.Whole < least || token.Value.Whole > greatest)
            throw new SyntaxException(new DescriptionError(token.At, $"{token.Text} is no {what[2..]} between {least} and {greatest}"));
        return (int)token.Value.Whole;
    }

    private Word ReadText(string what)
    {
        if (_tokens.Current.Kind != TokenKind.Text) throw _tokens.Unexpected(what, _form);
        var token = _tokens.Take();
        return new Word(token.Text, token.At);
    }

    private ExpressionSyntax ReadExpression() => new ExpressionParser(_tokens, _form).Read();

    private PlaceSyntax ReadPlace()
    {
        var start = ReadName(Place);
        var fields = new List<Word>();
        while (_tokens.TryTake(".")) fields.Add(_tokens.ExpectWord("a field", _form));
        return new PlaceSyntax(start, fields);
    }

    private TypeSyntax ReadType()
    {
        var type = ReadName("a type");
        var stars = 0;
        while (_tokens.TryTake("*")) stars++;
        return type with { Stars = stars };
    }

    private TypeSyntax ReadName(string what)
    {
        var first = _tokens.ExpectWord(what, _form);
        return first.Text is "struct" or "union" or "enum" ? new TypeSyntax(first, _tokens.ExpectWord("a tag", _form), 0)
            : new TypeSyntax(null, first, 0);
    }
}

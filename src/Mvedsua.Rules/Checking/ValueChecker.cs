using Mvedsua.Abi.Calls;
using Mvedsua.Rules.Events;
using Mvedsua.Rules.Language;

namespace Mvedsua.Rules.Checking;

/// <summary>Gives values, buffers and conditions their types.</summary>
internal sealed class ValueChecker(RuleContext context)
{
    private static readonly (string Name, ByteClass Class)[] Classes =
    [
        ("any", ByteClass.Any), ("line", ByteClass.Line), ("word", ByteClass.Word), ("digits", ByteClass.Digits),
        ("number", ByteClass.Number), ("hex", ByteClass.Hex),
    ];

    /// <summary>A number.</summary>
    /// <param name="expression">What was written.</param>
    /// <param name="names">The argument whose constants may stand there; null: errors, and what is named only once.</param>
    internal Value Number(Expression expression, ArgumentRow? names)
    {
        switch (expression)
        {
            case NumberExpression number:
                return new ConstantValue(number.At, Normal(number.Value, names));
            case NamesExpression constants:
                return new ConstantValue(constants.At, Normal(Constant(constants, names), names));
            case NegativeExpression negative:
                return Number(negative.Operand, names) is ConstantValue constant
                    ? new ConstantValue(negative.At, Normal(-constant.Number, names))
                    : new SumValue(negative.At, new ConstantValue(negative.At, 0), Number(negative.Operand, names), IsDifference: true);
            case BinaryExpression { Operator: "+" or "-" } sum:
                return new SumValue(sum.At, Number(sum.Left, names), Number(sum.Right, names), sum.Operator == "-");
            case FunctionExpression function:
                return Function(function);
            case CaptureExpression or FieldExpression:
                var slot = SlotOf(expression);
                if (slot >= 0 && context.Slots[slot].Type != ValueType.Number)
                    context.Complain(expression.At, $"${context.Slots[slot].Name} is a buffer, a number is needed", $"number(${context.Slots[slot].Name}) or length(${context.Slots[slot].Name})?");
                return new SlotValue(expression.At, slot);
            case StoreExpression store:
                var index = context.Store(store.At, store.Name);
                if (index >= 0 && context.TypeOfStore(index) != ValueType.Number) context.Complain(store.At, $"@{store.Name} is a buffer, a number is needed");
                return new StoredValue(store.At, index);
            default:
                context.Complain(expression.At, "a number is needed here");
                return new ConstantValue(expression.At, 0);
        }
    }

    /// <summary>What a rule stores, whatever its type.</summary>
    internal Value Any(Expression expression) => TypeOf(expression) == ValueType.Bytes
        ? new BytesValue(expression.At, Operand(expression))
        : Number(expression, null);

    /// <summary>One buffer that is known here.</summary>
    internal Part Operand(Expression expression)
    {
        if (expression is not (TextExpression or CaptureExpression or FieldExpression or StoreExpression) && MapOf(expression) is null)
            context.Complain(expression.At, "a buffer is needed here");
        return Template([expression])[0];
    }

    /// <summary>The parts of a buffer that is made: all their values are known.</summary>
    internal IReadOnlyList<Part> Template(IReadOnlyList<Expression> parts) => [.. parts.Select(part => Part(part, isPattern: false))];

    /// <summary>The parts of a buffer that is looked at; captures without a value take one.</summary>
    internal IReadOnlyList<Part> Pattern(IReadOnlyList<Expression> parts)
    {
        var checkedParts = new List<Part>();
        var openBefore = false;
        foreach (var expression in parts)
        {
            var isOpen = expression is StarExpression || (expression is CaptureExpression capture && (context.Find(capture.Name) is not { } known || !context.IsCertain(known)));
            if (isOpen && openBefore) context.Complain(expression.At, "where one capture ends and the next begins can't be told", "put the text between them that separates them");
            if (expression is TextExpression { Bytes.Length: 0 } && parts.Count > 1) context.Complain(expression.At, "an empty string says nothing here", "leave it out");
            openBefore = isOpen;
            checkedParts.Add(Part(expression, isPattern: true));
        }
        return checkedParts;
    }

    internal Condition Condition(Expression expression)
    {
        switch (expression)
        {
            case BinaryExpression { Operator: "and" } both:
                return new AllOf(both.At, Condition(both.Left), Condition(both.Right));
            case BinaryExpression { Operator: "or" } either:
                return new AnyOf(either.At, Condition(either.Left), Condition(either.Right));
            case NotExpression not:
                return new Not(not.At, Condition(not.Operand));
            case MatchesExpression matches:
                foreach (var part in matches.Parts)
                    if (part is CaptureExpression capture && (context.Find(capture.Name) is not { } slot || !context.IsCertain(slot)))
                        context.Complain(part.At, $"nothing can be captured behind 'matches', and ${capture.Name} has no value", "'*' stands for any bytes");
                return new MatchCondition(matches.At, Operand(matches.Value), Pattern(matches.Parts));
            case BinaryExpression comparison when TypeOf(comparison.Left) == ValueType.Bytes && TypeOf(comparison.Right) == ValueType.Bytes:
                if (comparison.Operator is not ("==" or "!=")) context.Complain(comparison.At, $"buffers can't be compared by '{comparison.Operator}'", "number($x) is the number that $x holds");
                Condition equal = new MatchCondition(comparison.At, Operand(comparison.Left), [Operand(comparison.Right)]);
                return comparison.Operator == "!=" ? new Not(comparison.At, equal) : equal;
            case BinaryExpression comparison:
                return new NumberCondition(comparison.At, Number(comparison.Left, null), ComparisonOf(comparison.Operator), Number(comparison.Right, null));
            default:
                context.Complain(expression.At, "a condition is needed here");
                return new NumberCondition(expression.At, new ConstantValue(expression.At, 0), Comparison.Equal, new ConstantValue(expression.At, 0));
        }
    }

    internal static Comparison ComparisonOf(string symbol) => symbol switch
    {
        "==" => Comparison.Equal,
        "!=" => Comparison.NotEqual,
        "<" => Comparison.Less,
        "<=" => Comparison.LessOrEqual,
        ">" => Comparison.Greater,
        _ => Comparison.GreaterOrEqual,
    };

    private static long Normal(long value, ArgumentRow? argument) =>
        argument is null ? value : ArgumentFacts.Number(argument, (ulong)value);

    private ValueType TypeOf(Expression expression) => expression switch
    {
        TextExpression => ValueType.Bytes,
        CaptureExpression capture => context.Find(capture.Name) is { } slot ? context.Slots[slot].Type : ValueType.Bytes,
        FieldExpression field => context.Find($"{field.Label}.{field.Field.Text}") is { } slot ? context.Slots[slot].Type : ValueType.Bytes,
        StoreExpression store => context.TypeOfStore(context.Store(store.At, store.Name)),
        FunctionExpression when MapOf(expression) is not null => ValueType.Bytes,
        _ => ValueType.Number,
    };

    private LineMap? MapOf(Expression expression) => expression is FunctionExpression function ? context.Map(function.Name) : null;

    private int SlotOf(Expression expression)
    {
        if (expression is FieldExpression field) return context.Use(field);
        var capture = (CaptureExpression)expression;
        if (capture.Class is { } word) context.Complain(word.At, $"a class says what ${capture.Name} may take; here it has its value already", "leave the class out");
        return context.Use(capture.At, capture.Name);
    }

    private Part Part(Expression expression, bool isPattern)
    {
        switch (expression)
        {
            case TextExpression text:
                if (text.IgnoresCase && !isPattern) context.Complain(text.At, "what is made has one case", "leave the 'i' out");
                return new TextPart(text.At, text.Bytes, text.IgnoresCase);
            case StarExpression when isPattern:
                return new CapturePart(expression.At, -1, ByteClass.Any);
            case StarExpression:
                context.Complain(expression.At, "'*' can't be made: it stands for any bytes", "capture them, as $rest, where they are matched");
                return new TextPart(expression.At, [], false);
            case CaptureExpression capture when isPattern && (context.Find(capture.Name) is not { } slot || !context.IsCertain(slot) || context.Slots[slot].Type == ValueType.Bytes):
                var class_ = ClassOf(capture);
                return new CapturePart(capture.At, context.Capture(capture.At, capture.Name, ValueType.Bytes), class_);
            case CaptureExpression or FieldExpression:
                return new CapturePart(expression.At, SlotOf(expression), ByteClass.Any);
            case StoreExpression store:
                return new StorePart(store.At, context.Store(store.At, store.Name));
            case FunctionExpression function when MapOf(function) is { } map:
                return new MappedPart(function.At, map, Operand(function.Operand));
            case NumberExpression number:
                context.Complain(number.At, "a buffer holds bytes, no numbers", $"\"{number.Value}\"?");
                return new TextPart(number.At, [], false);
            case FunctionExpression function when function.Name is not ("length" or "number"):
                NoFunction(function);
                return new TextPart(function.At, [], false);
            default:
                context.Complain(expression.At, "this can't be a part of a buffer", "parts are strings, captures, stored values and '*'");
                return new TextPart(expression.At, [], false);
        }
    }

    private ByteClass ClassOf(CaptureExpression capture)
    {
        if (capture.Class is not { } word) return ByteClass.Any;
        foreach (var (name, class_) in Classes)
            if (name == word.Text) return class_;
        var names = Classes.Select(entry => entry.Name).ToList();
        context.Complain(word.At, $"no class of bytes is named '{word.Text}'", Suggestion.For(word.Text, names) ?? string.Join(", ", names));
        return ByteClass.Any;
    }

    private Value Function(FunctionExpression function)
    {
        switch (function.Name)
        {
            case "length":
                return new LengthValue(function.At, Operand(function.Operand));
            case "number":
                return new ParsedValue(function.At, Operand(function.Operand));
            default:
                if (MapOf(function) is not null) context.Complain(function.At, $"'{function.Name}' makes a buffer, a number is needed");
                else NoFunction(function);
                return new ConstantValue(function.At, 0);
        }
    }

    private void NoFunction(FunctionExpression function) => context.Complain(function.At, $"no function is named '{function.Name}'",
        Suggestion.For(function.Name, context.MapNames.Concat(["length", "number"])) ?? "there are length, number and the 'lines' of this file");

    private long Constant(NamesExpression constants, ArgumentRow? argument)
    {
        long value = 0;
        foreach (var name in constants.Names)
        {
            if (name.Kind == TokenKind.Number) value |= name.Number;
            else if ((argument is null ? Constants.Anywhere(name.Text) : Constants.Value(argument, name.Text)) is { } known) value |= known;
            else Unknown(name, argument);
        }
        return value;
    }

    private void Unknown(Token name, ArgumentRow? argument)
    {
        if (argument is null)
        {
            context.Complain(name.At, $"no constant is named '{name.Text}', or several of different values",
                Suggestion.For(name.Text, Constants.AllNames()) ?? $"a capture is written '${name.Text}'");
            return;
        }
        var hint = Suggestion.For(name.Text, Constants.Names(argument));
        context.Complain(name.At, $"'{argument.Name}' has no constant '{name.Text}'", hint ?? $"a capture is written '${name.Text}'");
    }
}

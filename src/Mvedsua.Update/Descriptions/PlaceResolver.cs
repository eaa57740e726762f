using Mvedsua.Update.Debug;

namespace Mvedsua.Update.Descriptions;

/// <summary>What a place of a description names.</summary>
/// <param name="Owner">The struct of the field, or the variable.</param>
/// <param name="Field">The field's name; empty for a variable, and for the anonymous union that has the named member.</param>
/// <param name="Member">The field; for a variable: its type at offset 0.</param>
internal sealed record ResolvedPlace(object Owner, string Field, Member Member)
{
    internal (object, string) Key => (Owner, Field);

    internal RecordType? Record => Owner as RecordType;
}

/// <summary>Finds types, fields and globals of one version by name.</summary>
internal sealed class PlaceResolver(DebugFile file, string version, List<DescriptionError> errors)
{
    /// <summary>Null when an error was noted.</summary>
    internal ResolvedPlace? Place(PlaceSyntax syntax)
    {
        var (start, fields) = (syntax.Start, syntax.Fields);
        CType type;
        var isGlobal = start.Kind is null && Global(start.Name.Text, out _);
        if (isGlobal || IsFunction(start, fields))
        {
            Global(start.Name.Text, out var variable);
            if (!isGlobal)
            {
                if (Static(start.Name, fields[0]) is not { } owned) return null;
                (variable, fields) = (owned, [.. fields.Skip(1)]);
            }
            if (variable is null)
                return Fail(start.At, $"several files or functions of the {version} version have a static \"{start.Name.Text}\"",
                    $"write FUNCTION.{start.Name.Text} for that of a function, or name its type's field (struct TAG.FIELD)");
            if (fields.Count == 0) return new ResolvedPlace(variable, "", new Member(variable.Name, variable.Type, 0));
            type = variable.Type;
        }
        else
        {
            if (start.Kind is null && syntax.Fields.Count == 0)
                return Fail(start.At, $"the {version} version has no global \"{start.Name.Text}\"",
                    Spelling.DidYouMean(start.Name.Text, file.Variables.Select(v => v.Name)));
            if (Type(start) is not { } named) return null;
            type = named;
        }

        ResolvedPlace? place = null;
        foreach (var field in fields)
        {
            while (type.Bare is ArrayType array) type = array.Element;
            if (type.Bare is not RecordType record) return Fail(field.At, $"{type} has no fields");
            if (record.Find(field.Text) is not { } member)
                return Fail(field.At, $"{record} has no field \"{field.Text}\" in the {version} version",
                    Spelling.DidYouMean(field.Text, record.NamedMembers.Select(m => m.Name!)));
            place = new ResolvedPlace(record, field.Text, member);
            type = member.Type;
        }

        if (place is null) Fail(syntax.At, $"{syntax} is a whole type; a field is needed here", $"write {syntax}.FIELD");
        return place;
    }

    private bool IsFunction(TypeSyntax start, IReadOnlyList<Word> fields) =>
        start.Kind is null && fields.Count > 0 && file.Typedef(start.Name.Text) is null && file.FunctionsNamed(start.Name.Text).Any();

    /// <summary>A static variable of a function; null when an error was noted.</summary>
    private Variable? Static(Word function, Word name)
    {
        var all = file.Variables.Where(v => v.Function == function.Text).ToList();
        var named = all.Where(v => v.Name == name.Text).ToList();
        if (named.Count == 1) return named[0];
        Fail(name.At, named.Count == 0 ? $"{function.Text}() has no static variable \"{name.Text}\" in the {version} version"
            : $"several functions {function.Text}() of the {version} version have a static \"{name.Text}\"", Spelling.DidYouMean(name.Text, all.Select(v => v.Name)));
        return null;
    }

    /// <summary>A type; pointers as many as it has stars. Null when an error was noted.</summary>
    internal CType? Type(TypeSyntax syntax)
    {
        var name = syntax.Name.Text;
        CType? type;
        if (syntax.Kind is { } kind)
        {
            var tag = kind.Text switch { "struct" => TagKind.Struct, "union" => TagKind.Union, _ => TagKind.Enum };
            type = file.TaggedType(tag, name);
            if (type is null)
            {
                var isAmbiguous = file.Tags(tag).Contains(name);
                Fail(syntax.At, isAmbiguous ? $"several files of the {version} version define {kind.Text} {name}, differently"
                    : $"the {version} version has no {kind.Text} {name}",
                    isAmbiguous ? null : Spelling.DidYouMean(name, file.Tags(tag)));
            }
        }
        else
        {
            type = file.Typedef(name) ?? (CType?)file.BaseTypeNamed(name) ?? (name == "void" ? VoidType.Instance : null);
            if (type is null)
            {
                var tagged = Enum.GetValues<TagKind>().FirstOrDefault(k => file.Tags(k).Contains(name), (TagKind)(-1));
                Fail(syntax.At, $"the {version} version has no type \"{name}\"", Enum.IsDefined(tagged)
                    ? $"did you mean \"{tagged.ToString().ToLowerInvariant()} {name}\"?" : Spelling.DidYouMean(name, file.TypedefNames));
            }
        }

        for (var i = 0; type is not null && i < syntax.Stars; i++) type = new PointerType(type);
        return type;
    }

    /// <summary>A function of that name; null when an error was noted.</summary>
    internal Function? Function(Word name)
    {
        var all = file.FunctionsNamed(name.Text).ToList();
        if (all.Count == 0)
            Fail(name.At, $"the {version} version has no function \"{name.Text}\"",
                Spelling.DidYouMean(name.Text, file.Functions.Select(f => f.Name))
                ?? "a function that the compiler inlined everywhere has no code of its own");
        if (all.Count <= 1) return all.FirstOrDefault();
        if (all.Find(f => f.IsExternal) is { } global) return global;
        Fail(name.At, $"several files of the {version} version have a static function \"{name.Text}\"");
        return null;
    }

    /// <summary>The global, or the only static, of that name.</summary>
    /// <returns>Whether there is any; <paramref name="variable"/> is null when there are several statics.</returns>
    internal bool Global(string name, out Variable? variable)
    {
        var all = file.VariablesNamed(name).ToList();
        variable = all.Find(v => v is { IsExternal: true, Function: null })
            ?? (all.Count == 1 ? all[0] : all.Count(v => v.Function is null) == 1 ? all.Find(v => v.Function is null) : null);
        return all.Count > 0;
    }

    private ResolvedPlace? Fail(Position at, string cause, string? cure = null)
    {
        errors.Add(new DescriptionError(at, cause, cure));
        return null;
    }
}

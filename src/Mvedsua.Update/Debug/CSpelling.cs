using System.Globalization;

namespace Mvedsua.Update.Debug;

/// <summary>Types as C writes them.</summary>
public static class CSpelling
{
    /// <summary>A declaration of <paramref name="name"/>; the bare type when it is empty.</summary>
    public static string Of(CType type, string name = "") => type switch
    {
        VoidType => Join("void", name),
        BaseType b => Join(b.Name, name),
        TypedefType t => Join(t.Name, name),
        EnumType e => Join(e.Tag is null ? "enum {…}" : "enum " + e.Tag, name),
        RecordType r => Join(Of(r), name),
        PointerType { Target: ArrayType or FunctionType } p => Of(p.Target, $"(*{name})"),
        PointerType p => Of(p.Target, "*" + name),
        QualifiedType { Target: PointerType } q => Of(q.Target, Join(Word(q), name)),
        QualifiedType q => Word(q) + " " + Of(q.Target, name),
        ArrayType a => Of(a.Element, $"{name}[{a.Count?.ToString(CultureInfo.InvariantCulture)}]"),
        FunctionType f => Of(f.Result, $"{name}({Parameters(f)})"),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type.GetType().Name),
    };

    private static string Of(RecordType record) =>
        record.Tag is null && record.TypedefName is { } alias ? alias : (record.IsUnion ? "union " : "struct ") + (record.Tag ?? "{…}");

    private static string Parameters(FunctionType function)
    {
        var types = function.Parameters.Select(p => p.ToString()).ToList();
        if (function.IsVariadic) types.Add("...");
        return types.Count == 0 ? "void" : string.Join(", ", types);
    }

    private static string Word(QualifiedType type) => type.Qualifier switch
    {
        Qualifier.Const => "const",
        Qualifier.Volatile => "volatile",
        Qualifier.Restrict => "restrict",
        _ => "_Atomic",
    };

    private static string Join(string type, string name) => name.Length == 0 ? type : type + " " + name;
}

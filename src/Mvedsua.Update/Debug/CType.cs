namespace Mvedsua.Update.Debug;

/// <summary>A type of a C program as its debug information tells it. Immutable to its users; the members of structs and
/// unions are read when they are first asked for (see <see cref="DebugFile"/> for the thread safety of that).</summary>
public abstract class CType
{
    /// <summary>Bytes of one object; 0 for void, functions, incomplete types and flexible arrays.</summary>
    public abstract ulong Size { get; }

    /// <summary>Behind typedefs and qualifiers.</summary>
    public virtual CType Bare => this;

    /// <summary>As it is written in C, without a name: <c>struct entry *[16]</c>.</summary>
    public override string ToString() => CSpelling.Of(this);
}

/// <summary>void; also what a pointer points to of which nothing is known.</summary>
public sealed class VoidType : CType
{
    private VoidType() { }

    /// <summary>The only one.</summary>
    public static VoidType Instance { get; } = new();

    public override ulong Size => 0;
}

/// <summary>How the bits of a base type are read.</summary>
public enum BaseKind
{
    SignedNumber, UnsignedNumber, Boolean, Floating, Complex,
}

/// <summary>A base type: int, double, char…</summary>
/// <param name="name">As the compiler spells it: "long unsigned int".</param>
/// <param name="kind">How its bits are read.</param>
/// <param name="size">Bytes.</param>
/// <param name="isCharacter">char, signed char, unsigned char, or a Unicode character.</param>
public sealed class BaseType(string name, BaseKind kind, ulong size, bool isCharacter) : CType
{
    public string Name { get; } = name;
    public BaseKind Kind { get; } = kind;
    public override ulong Size { get; } = size;
    public bool IsCharacter { get; } = isCharacter;

    /// <summary>Whether its values are whole numbers (bool too).</summary>
    public bool IsInteger => Kind is BaseKind.SignedNumber or BaseKind.UnsignedNumber or BaseKind.Boolean;
}

/// <summary>A pointer. Its target is read when it is first asked for: targets make the cycles of the type graph.</summary>
public sealed class PointerType(Func<CType> target) : CType
{
    private CType? _target;

    /// <summary>To a type that is known already.</summary>
    public PointerType(CType target) : this(() => target) { }

    public CType Target => _target ??= target(); /* reading it twice gives the same one */

    public override ulong Size => 8;

    /// <summary>Whether it points to code.</summary>
    public bool IsFunction => Target.Bare is FunctionType;

    /// <summary>Whether nothing is known of what it points to: void, or a type that no unit defines.</summary>
    public bool IsOpaque => Target.Bare is VoidType or RecordType { IsComplete: false };
}

/// <summary>An array of one dimension; those of several are arrays of arrays.</summary>
/// <param name="element">What it holds.</param>
/// <param name="count">How many; null for a flexible array member or an array whose size isn't known when compiling.</param>
public sealed class ArrayType(CType element, ulong? count) : CType
{
    public CType Element { get; } = element;
    public ulong? Count { get; } = count;
    public override ulong Size => Element.Size * (Count ?? 0);
}

/// <summary>An enumeration.</summary>
public sealed class EnumType(string? tag, ulong size, bool isSigned, IReadOnlyList<Enumerator> values) : CType
{
    /// <summary>Null when it has none.</summary>
    public string? Tag { get; } = tag;
    public override ulong Size { get; } = size;
    public bool IsSigned { get; } = isSigned;
    public IReadOnlyList<Enumerator> Values { get; } = values;
}

/// <summary>A name of an enumeration.</summary>
public readonly record struct Enumerator(string Name, long Value);

/// <summary>A name for another type.</summary>
public sealed class TypedefType(string name, CType target) : CType
{
    public string Name { get; } = name;
    public CType Target { get; } = target;
    public override ulong Size => Target.Size;
    public override CType Bare => Target.Bare;
}

/// <summary>What a qualifier says.</summary>
public enum Qualifier
{
    Const, Volatile, Restrict, Atomic,
}

/// <summary>A qualified type.</summary>
public sealed class QualifiedType(Qualifier qualifier, CType target) : CType
{
    public Qualifier Qualifier { get; } = qualifier;
    public CType Target { get; } = target;
    public override ulong Size => Target.Size;
    public override CType Bare => Target.Bare;
}

/// <summary>The type of a function.</summary>
public sealed class FunctionType(CType result, IReadOnlyList<CType> parameters, bool isVariadic) : CType
{
    public CType Result { get; } = result;
    public IReadOnlyList<CType> Parameters { get; } = parameters;
    public bool IsVariadic { get; } = isVariadic;
    public override ulong Size => 0;
}

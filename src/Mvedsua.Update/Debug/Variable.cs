namespace Mvedsua.Update.Debug;

/// <summary>A compilation unit.</summary>
/// <param name="Path">As the compiler was given it, under its directory when the file says so.</param>
public sealed record Unit(string Path)
{
    /// <summary>Without its folders: what stays the same when a release is built elsewhere.</summary>
    public string FileName => System.IO.Path.GetFileName(Path);
}

/// <summary>A variable with a static place: a global, a static of a file, or a static of a function.</summary>
public sealed class Variable
{
    private readonly Lazy<CType> _type;

    internal Variable(string name, Unit unit, string? function, ulong address, bool isExternal, bool isThreadLocal, Func<CType> type)
    {
        (Name, Unit, Function, Address, IsExternal, IsThreadLocal) = (name, unit, function, address, isExternal, isThreadLocal);
        _type = new Lazy<CType>(type);
    }

    public string Name { get; }
    public Unit Unit { get; }

    /// <summary>The function that it belongs to; null for one of the whole file.</summary>
    public string? Function { get; }

    /// <summary>As linked; of a thread-local one: its offset within the file's thread-local block.</summary>
    public ulong Address { get; }

    /// <summary>Whether other units may name it.</summary>
    public bool IsExternal { get; }

    public bool IsThreadLocal { get; }

    /// <summary>Its type; read when first asked for.</summary>
    public CType Type => _type.Value;

    /// <summary>For people: its name, with the function or file of a static.</summary>
    public string FullName => Function is not null ? $"{Name} of {Function}()" : IsExternal ? Name : $"{Name} of {Unit.FileName}";

    public override string ToString() => FullName;
}

/// <summary>A function that has code in the file.</summary>
public sealed class Function
{
    private readonly Lazy<FunctionType> _type;

    internal Function(string name, Unit unit, ulong address, ulong place, bool isExternal, Func<FunctionType> type)
    {
        (Name, Unit, Address, Place, IsExternal) = (name, unit, address, place, isExternal);
        _type = new Lazy<FunctionType>(type);
    }

    public string Name { get; }
    public Unit Unit { get; }

    /// <summary>Of its first instruction, as linked.</summary>
    public ulong Address { get; }
    public bool IsExternal { get; }

    /// <summary>Of its entry in the debug information.</summary>
    internal ulong Place { get; }

    /// <summary>Result and parameters; read when first asked for.</summary>
    public FunctionType Type => _type.Value;

    public override string ToString() => CSpelling.Of(Type, Name);
}

using System.Runtime.InteropServices;
using Mvedsua.Abi.Elf;

namespace Mvedsua.Update.Debug;

/// <summary>
/// The debug information (DWARF 2 to 5) of a program: its variables, functions and types. What the units define is found when
/// it is opened; types are read as they are asked for, so the file stays open until it is disposed, and so do the types read from it.
/// Safe for concurrent use except for <see cref="Dispose"/>: reading is serialised by a lock of the file.
/// </summary>
public sealed unsafe class DebugFile : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<nint, string> _texts = [];
    private readonly Microsoft.Win32.SafeHandles.SafeFileHandle _descriptor;
    private readonly DebugIndex _index;
    private readonly TypeReader _types;
    private nint _handle;
    private Dictionary<ulong, Variable>? _byAddress;
    private ILookup<string, Variable>? _variables;
    private ILookup<string, Function>? _functions;
    private ILookup<ulong, Function>? _functionsByAddress;
    private Dictionary<string, long>? _enumerators;

    private DebugFile(string path, Microsoft.Win32.SafeHandles.SafeFileHandle descriptor, nint handle)
    {
        (Path, _descriptor, _handle) = (path, descriptor, handle);
        _index = DebugIndex.Build(this);
        _types = new TypeReader(this, _index);
    }

    /// <summary>The program's path (its debug information may stand in a file of its own).</summary>
    public string Path { get; }

    /// <summary>All variables with a static place.</summary>
    public IReadOnlyList<Variable> Variables => _index.Variables;

    /// <summary>All functions with code.</summary>
    public IReadOnlyList<Function> Functions => _index.Functions;

    /// <summary>Opens a program's debug information: its own, or the separate file that its build id names under /usr/lib/debug.</summary>
    /// <exception cref="UpdateRefusedException">It has none, or isn't an x86-64 ELF program or library.</exception>
    /// <exception cref="IOException">It can't be read.</exception>
    public static DebugFile Open(string path)
    {
        var image = ReadHeader(path);
        if (Begin(path, out var descriptor, out var handle)) return Checked(path, descriptor, handle);
        if (image.BuildId is { Length: > 2 } id)
        {
            var separate = $"/usr/lib/debug/.build-id/{id[..2]}/{id[2..]}.debug";
            if (File.Exists(separate) && Begin(separate, out descriptor, out handle)) return Checked(path, descriptor, handle);
        }

        throw new UpdateRefusedException($"{path} has no debug information, so nothing is known of its types: build it with -g and don't strip it, "
            + "or install its debug package");
    }

    /// <summary>The variables of that name: a global, or the statics of several files and functions.</summary>
    public IEnumerable<Variable> VariablesNamed(string name)
    {
        lock (_lock) _variables ??= Variables.ToLookup(v => v.Name);
        return _variables[name];
    }

    /// <summary>The variable that begins at an address (as linked); null when none does.</summary>
    public Variable? VariableAt(ulong address)
    {
        lock (_lock) _byAddress ??= Variables.Where(v => !v.IsThreadLocal).ToDictionary(v => v.Address);
        return _byAddress.GetValueOrDefault(address);
    }

    /// <summary>The functions of that name: a global one, or statics of several files.</summary>
    public IEnumerable<Function> FunctionsNamed(string name)
    {
        lock (_lock) _functions ??= Functions.ToLookup(f => f.Name);
        return _functions[name];
    }

    /// <summary>The functions that begin at an address (as linked): one, or several that do the same.</summary>
    internal IEnumerable<Function> FunctionsAt(ulong address)
    {
        lock (_lock) _functionsByAddress ??= Functions.ToLookup(f => f.Address);
        return _functionsByAddress[address];
    }

    /// <summary>How a function's frame and its parameters are found while execution stands at an address in it (as linked).</summary>
    internal FrameLayout LayoutOf(Function function, ulong at) => Read(() => FrameLayout.Of(this, function, at));

    /// <summary>What a function passes in each register, by DWARF's numbers, with the call that returns to an address (as linked); empty when that isn't told.</summary>
    internal IReadOnlyDictionary<ulong, LibDw.Operation[]> PassedAt(Function caller, ulong returnAddress) => Read(() => CallSites.PassedAt(this, caller, returnAddress));

    /// <summary>The type of that tag; null when no unit defines it or several do, differently.</summary>
    public CType? TaggedType(TagKind kind, string tag) => Read(() => _types.Defined((TagOf(kind), tag)));

    /// <summary>The typedef of that name; null when there is none.</summary>
    public TypedefType? Typedef(string name) => _index.Typedefs.TryGetValue(name, out var place) ? (TypedefType)ReadType(place) : null;

    /// <summary>A base type by the name that the compiler gives it ("long unsigned int"); null when no unit uses it.</summary>
    public BaseType? BaseTypeNamed(string name) => _index.BaseTypes.TryGetValue(name, out var place) ? (BaseType)ReadType(place) : null;

    /// <summary>The names of all enumerations; one that units give different values stands there with its first.</summary>
    public IReadOnlyDictionary<string, long> Enumerators
    {
        get
        {
            lock (_lock)
            {
                if (_enumerators is { } known) return known;
                var all = new Dictionary<string, long>();
                foreach (var place in _index.Enumerations)
                    foreach (var (name, value) in ((EnumType)ReadType(place)).Values) all.TryAdd(name, value);
                return _enumerators = all;
            }
        }
    }

    /// <summary>Tags of that kind that have a definition.</summary>
    public IEnumerable<string> Tags(TagKind kind) => _index.Definitions.Keys.Where(k => k.Kind == TagOf(kind)).Select(k => k.Tag);

    /// <summary>Names of typedefs.</summary>
    public IEnumerable<string> TypedefNames => _index.Typedefs.Keys;

    public void Dispose()
    {
        lock (_lock)
        {
            if (_handle == 0) return;
            _ = LibDw.End(_handle);
            _handle = 0;
            _descriptor.Dispose();
        }
    }

    internal nint Handle => _handle != 0 ? _handle : throw new ObjectDisposedException(Path);

    internal CType ReadType(ulong place, bool asFunction = false) => Read(() => _types.At(place, asFunction));

    internal CType ReadTarget(ulong place) => Read(() => _types.TargetAt(place));

    internal CType ReadTypeOf(ulong place) => Read(() => _types.TypeOf(place));

    internal IReadOnlyList<Member> ReadMembers(ulong place) => Read(() => _types.MembersAt(place));

    /// <summary>A text of an entry. The same text has one place in the file, so each is decoded once.</summary>
    internal string? TextOf(DwarfDie die, DwAt name)
    {
        var at = die.Text(name);
        if (at == 0) return null;
        if (!_texts.TryGetValue(at, out var text)) _texts[at] = text = Marshal.PtrToStringUTF8(at)!;
        return text;
    }

    private static DwTag TagOf(TagKind kind) => kind switch
    {
        TagKind.Struct => DwTag.StructureType,
        TagKind.Union => DwTag.UnionType,
        _ => DwTag.EnumerationType,
    };

    private T Read<T>(Func<T> read)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_handle == 0, this);
            return read();
        }
    }

    private static ElfImage ReadHeader(string path)
    {
        try
        {
            return ElfImage.Read(path);
        }
        catch (ElfException e)
        {
            throw new UpdateRefusedException($"{path} can't be updated from or to: {e.Message}", e);
        }
    }

    private static DebugFile Checked(string path, Microsoft.Win32.SafeHandles.SafeFileHandle descriptor, nint handle)
    {
        try
        {
            return new DebugFile(path, descriptor, handle);
        }
        catch
        {
            _ = LibDw.End(handle);
            descriptor.Dispose();
            throw;
        }
    }

    /// <summary>Opens the debug information of one file; false when it has none.</summary>
    private static bool Begin(string path, out Microsoft.Win32.SafeHandles.SafeFileHandle descriptor, out nint handle)
    {
        descriptor = File.OpenHandle(path);
        handle = 0;
        try
        {
            handle = LibDw.Begin((int)descriptor.DangerousGetHandle(), LibDw.Read);
            void* next;
            DwarfDie die;
            if (handle != 0 && LibDw.GetUnits(handle, null, &next, null, null, &die.Raw, null) == 0) return true;
        }
        catch (DllNotFoundException e)
        {
            descriptor.Dispose();
            throw new UpdateRefusedException($"{LibDw.Library} is not installed, so debug information can't be read: install Debian's package libdw1", e);
        }

        if (handle != 0) _ = LibDw.End(handle);
        descriptor.Dispose();
        return false;
    }
}

/// <summary>What a tag names.</summary>
public enum TagKind
{
    Struct, Union, Enum,
}

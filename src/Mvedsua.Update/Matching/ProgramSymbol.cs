using Mvedsua.Update.Elf;

namespace Mvedsua.Update.Matching;

/// <summary>What a symbol of a program is to an update.</summary>
public enum SymbolClass
{
    /// <summary>Code that can be called.</summary>
    Function,

    /// <summary>A variable in writable memory.</summary>
    Data,

    /// <summary>A constant: in read-only memory, or in memory that is read-only once it is relocated.</summary>
    ReadOnlyData,

    /// <summary>A variable that each thread has.</summary>
    ThreadLocal,
}

/// <summary>A function, variable or constant of a version, with what identifies it in another version.</summary>
/// <param name="Symbol">Its symbol; of several at the same address and of the same name, one.</param>
/// <param name="Class">What it is.</param>
/// <param name="Name">Without the number that the compiler puts behind the names of function-level statics.</param>
/// <param name="Unit">Source file of a local symbol, as the compiler was given it, without folders; empty for exported ones and those that
/// the linker made local.</param>
/// <param name="Occurrence">Which of the files of that name, in link order, from 0.</param>
/// <param name="Owner">The function whose static it is, where debug information says so; else empty.</param>
public sealed record ProgramSymbol(ElfSymbol Symbol, SymbolClass Class, string Name, string Unit, int Occurrence, string Owner)
{
    /// <summary>Exported to other source files: identified by its name alone.</summary>
    public bool IsExported => Unit.Length == 0 && !Symbol.IsLocal;

    /// <summary>As people are told of it: name, owner, file.</summary>
    public override string ToString() =>
        Name + (Owner.Length > 0 ? $" of {Owner}()" : "") + (Unit.Length > 0 ? $" ({Unit})" : "");
}

/// <summary>What debug information says about symbols of one file, beyond the symbol table.</summary>
public interface ISymbolFacts
{
    /// <summary>The function in which a static variable is declared; null when it is none or isn't known.</summary>
    string? OwnerOf(ElfSymbol variable);

    /// <summary>Whether a variable is an array or has one as its last member, so that code may count up to its end; null when that isn't
    /// known.</summary>
    bool? EndsInArray(ElfSymbol variable);

    /// <summary>Bytes of the largest element of an array that a variable is or holds; 0 when it holds none, null when that isn't known.</summary>
    ulong? ElementSizeOf(ElfSymbol variable);

    /// <summary>Whether a function, by the address where it begins, and a variable were compiled as one source file; null when that isn't known.</summary>
    bool? AreOfOneFile(ulong function, ElfSymbol variable);
}

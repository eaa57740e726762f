using Mvedsua.Update.Debug;
using Mvedsua.Update.Types;

namespace Mvedsua.Update.Descriptions;

/// <summary>
/// A description of an update, checked against both versions. Immutable once made. The language: docs/update-descriptions.md.
/// </summary>
public sealed class Description
{
    /// <summary>Without a word: everything by name, the update at any wait call, resumed at main.</summary>
    public static Description Empty { get; } = new();

    /// <summary>What it says about types, fields and globals.</summary>
    public Hints Hints { get; internal init; } = new();

    /// <summary>Old name to new name of functions.</summary>
    public IReadOnlyDictionary<string, string> RenamedFunctions { get; internal init; } = new Dictionary<string, string>();

    /// <summary>Where the copy is resumed; null: at the new version's main.</summary>
    public FunctionCall? Resume { get; internal init; }

    /// <summary>Functions of the new version that are called once the state was carried over, before it goes on; in this order.</summary>
    public IReadOnlyList<FunctionCall> Calls { get; internal init; } = [];

    /// <summary>What becomes of threads, by the old function that they began in. Others begin anew in the function of the same name.</summary>
    public IReadOnlyList<ThreadRule> Threads { get; internal init; } = [];

    /// <summary>In which call, or at which named point, the update is made; null: in whichever call the main thread waits.</summary>
    public UpdatePoint? At { get; internal init; }

    /// <summary>What is done when an update fails.</summary>
    public FailurePolicy OnFailure { get; internal init; }

    /// <summary>The author's C file with the functions that convert structs; null when there is none.</summary>
    public ConverterSource? Converters { get; internal init; }

    /// <summary>Reads and checks a description.</summary>
    /// <param name="path">The file.</param>
    /// <param name="old">The old version's debug information.</param>
    /// <param name="new">The new version's.</param>
    /// <exception cref="UpdateRefusedException">It has errors; the message lists them all, with their places.</exception>
    /// <exception cref="IOException">It can't be read.</exception>
    public static Description Load(string path, DebugFile old, DebugFile @new) => Read(File.ReadAllText(path), path, old, @new);

    /// <summary>As <see cref="Load"/>, of a text.</summary>
    /// <param name="text">The description.</param>
    /// <param name="path">What messages call it; paths in it are relative to its folder.</param>
    /// <param name="old">The old version's debug information.</param>
    /// <param name="new">The new version's.</param>
    /// <exception cref="UpdateRefusedException">It has errors; the message lists them all, with their places.</exception>
    public static Description Read(string text, string path, DebugFile old, DebugFile @new)
    {
        var (statements, errors) = DescriptionParser.Parse(text);
        var all = errors.ToList();
        var description = DescriptionChecker.Check(statements, path, old, @new, all);
        if (all.Count == 0) return description;
        var shown = all.OrderBy(e => e.At.Line).ThenBy(e => e.At.Column).Select(e => e.Show(path, text));
        throw new UpdateRefusedException($"the description has {(all.Count == 1 ? "an error" : $"{all.Count} errors")}:\n{string.Join('\n', shown)}");
    }
}

/// <summary>A function of the new version, and what it is called with.</summary>
public sealed record FunctionCall(Function Function, IReadOnlyList<CallArgument> Arguments);

/// <summary>An argument of such a function.</summary>
/// <param name="Variable">A global of the new version; null for a plain number.</param>
/// <param name="Offset">Of a field in it.</param>
/// <param name="IsAddress">The address (of the field) is passed, not its value.</param>
/// <param name="Form">How the value is read (pointers: as unsigned integers).</param>
/// <param name="Number">The plain number.</param>
public sealed record CallArgument(Variable? Variable, ulong Offset, bool IsAddress, NumberForm Form, long Number);

/// <summary>What becomes of the threads that began in a function.</summary>
/// <param name="Start">The old function.</param>
/// <param name="RestartsAt">The new function; null: they aren't started anew.</param>
public sealed record ThreadRule(string Start, string? RestartsAt);

/// <summary>When an update is made.</summary>
/// <param name="Name">A system call's name, or that of a point.</param>
/// <param name="IsPoint">A point that the program names by mvedsua_update_point().</param>
public sealed record UpdatePoint(string Name, bool IsPoint);

/// <summary>What is done when an update fails: the copy is ended, and it is tried again.</summary>
/// <param name="Retries">How often; 0: not at all.</param>
/// <param name="Every">The time between two tries.</param>
public readonly record struct FailurePolicy(int Retries, TimeSpan Every);

using Mvedsua.Update.Debug;
using Mvedsua.Update.Elf;
using Mvedsua.Update.Linking;
using Mvedsua.Update.Matching;
using Mvedsua.Update.Types;

namespace Mvedsua.Update.Resuming;

/// <summary>
/// Where a new version goes on of which nobody says it: in the function below main in which the old version's main thread waits. It is called anew, in
/// the new version, with the values that its parameters have there. What the files can't tell, whether there is such a function and its values are
/// known, is found in the copy before it is changed.
/// </summary>
/// <param name="image">Where the old version is in its process.</param>
/// <param name="oldFile">Its file.</param>
/// <param name="newFile">The new version's.</param>
/// <param name="types">Both versions' types.</param>
/// <param name="match">What is the same in both.</param>
internal sealed class MainLoop(LinkedImage image, ElfFile oldFile, ElfFile newFile, TypedUpdate types, SymbolMatch match)
{
    private const int MostParameters = 6; // in registers

    /// <summary>That it is not known where the new version goes on, and what to do about it.</summary>
    /// <param name="path">The new version's file.</param>
    /// <param name="found">Why not.</param>
    internal static UpdateRefusedException NotKnown(string path, string found) => new(
        $"where {path} goes on is not known: {found}. Name the function of its main loop in a description ('resume serve(&server)')");

    /// <summary>Finds it in a copy that stands as its leader stood.</summary>
    /// <exception cref="UpdateRefusedException">There is none that can be called anew.</exception>
    internal LoopCall Find(IUpdatedProcess process)
    {
        var place = MainLoopFrame.Find(image, oldFile, Frames(process), process.Mappings, out var found) ?? throw NotKnown(newFile.Path, found!);
        var function = place.Function;
        // What the compiler has made of a function, F.constprop.0, takes other parameters than the source says.
        if (function.Name.Contains('.', StringComparison.Ordinal)) throw Refuse($"{function.Name} is a part or a variant of a function that the compiler has made");
        if (LoopCode.WhyNotAnew(oldFile, function, place.At) is { } why) throw Refuse($"{function.Name}() {why}");
        var old = types.Comparison.Old.FunctionsAt(function.Value).OrderByDescending(f => f.Name == function.Name).FirstOrDefault()
            ?? throw Refuse($"of {function.Name}() there is no debug information");
        var (@new, address) = Counterpart(old, function);
        CheckTypes(old, @new);
        // A call's own address: behind it other places may hold.
        var layout = types.Comparison.Old.LayoutOf(old, place.At - 1);
        if (!layout.IsCalledAsWritten || !types.Comparison.New.LayoutOf(@new, @new.Address).IsCalledAsWritten)
            throw Refuse($"the compiler has given {function.Name}() other parameters than the source says");
        var entry = new EntryRegisters(types.Comparison.Old, place, image, oldFile, process);
        var values = new FrameValues(process, place.Frame, place.Canonical, layout, entry.AddressOf, entry.At);
        var arguments = new List<LoopArgument>();
        for (var i = 0; i < old.Type.Parameters.Count; i++)
        {
            var (parameter, type) = (layout.Parameters[i], old.Type.Parameters[i]);
            if (values.TryGet(parameter, type, out var value) is { } missing) throw Refuse($"the parameter {parameter.Name} of {function.Name}() {missing}");
            if (type.Bare is PointerType && value >= place.Innermost && value < place.Canonical)
                throw Refuse($"the parameter {parameter.Name} of {function.Name}() points to a variable of that call, which ends");
            arguments.Add(new LoopArgument(parameter.Name, type, value));
        }

        return new LoopCall(@new, address, arguments, newFile);

        UpdateRefusedException Refuse(string found) => NotKnown(newFile.Path, $"the main thread waits in {place.Function.Name}(), the function below main: {found}");
    }

    private IReadOnlyList<CallFrame> Frames(IUpdatedProcess process)
    {
        try
        {
            return process.MainFrames;
        }
        catch (UpdateRefusedException e)
        {
            throw NotKnown(newFile.Path, e.Message);
        }
    }

    /// <summary>The function of the new version, and its address as linked.</summary>
    private (Function, ulong) Counterpart(Function old, ElfSymbol symbol)
    {
        var addresses = types.Description.RenamedFunctions.TryGetValue(old.Name, out var renamed)
            ? types.Comparison.New.FunctionsNamed(renamed).Select(f => f.Address).Distinct().ToArray()
            : match.Pairs.Where(p => p.Old.Class == SymbolClass.Function && p.Old.Symbol.Value == symbol.Value).Select(p => p.New.Symbol.Value).Distinct().ToArray();
        var name = renamed ?? old.Name;
        if (addresses is not [var address])
            throw NotKnown(newFile.Path, $"the main thread waits in {symbol.Name}(), the function below main, {(addresses.Length == 0 ? "which the new version does not have" : "which is several functions in the new version")}");
        return (types.Comparison.New.FunctionsAt(address).OrderByDescending(f => f.Name == name).FirstOrDefault()
            ?? throw NotKnown(newFile.Path, $"the main thread waits in {symbol.Name}(), the function below main, of which the new version has no debug information"), address);
    }

    /// <summary>What is passed must be what the new version takes, and lead to nothing that has changed: objects that only the old main's frame leads to are
    /// not converted.</summary>
    private void CheckTypes(Function old, Function @new)
    {
        var (before, after) = (old.Type, @new.Type);
        var isSame = before.Parameters.Count == after.Parameters.Count && before.IsVariadic == after.IsVariadic
            && before.Parameters.Zip(after.Parameters).All(p => p.First.Bare.ToString() == p.Second.Bare.ToString());
        if (!isSame) throw NotKnown(newFile.Path, $"the main thread waits in {old}, the function below main, which is {@new} in the new version");
        if (before.IsVariadic || before.Parameters.Count > MostParameters || before.Parameters.Any(p => !IsWord(p)))
            throw NotKnown(newFile.Path, $"the main thread waits in {old}, the function below main: only integers and pointers can be passed to it, at most {MostParameters}");
        var graph = new PairGraph(types.Comparison.New, types.Description.Hints);
        var pairs = before.Parameters.Zip(after.Parameters).Select(p => graph.Get(p.First, p.Second)).ToList();
        graph.Close();
        for (var i = 0; i < pairs.Count; i++)
        {
            if (pairs[i].IsChanged || pairs[i].LeadsToChange)
                throw NotKnown(newFile.Path, $"the main thread waits in {old}, the function below main, and the {before.Parameters[i]} that it was given leads to a type that has changed");
            if (pairs[i].Old is PointerType { IsOpaque: true } && types.Comparison.ChangesHeap)
                throw NotKnown(newFile.Path, $"the main thread waits in {old}, the function below main, and the {before.Parameters[i]} that it was given may lead to a type that has changed");
        }
    }

    private static bool IsWord(CType type) => type.Bare is PointerType || NumberForm.Of(type) is { IsFloating: false, Size: <= 8 };
}

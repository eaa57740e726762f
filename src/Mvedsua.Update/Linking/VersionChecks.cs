using Mvedsua.Update.Elf;
using Mvedsua.Update.Matching;

namespace Mvedsua.Update.Linking;

/// <summary>What two files must be for one to be linked into a process of the other; known before a process is touched.</summary>
internal static class VersionChecks
{
    /// <exception cref="UpdateRefusedException">They are not; the message says what to change.</exception>
    internal static void Check(LinkedImage old, ElfFile oldFile, ElfFile newFile)
    {
        if (old.BuildId is not null && oldFile.BuildId != old.BuildId)
            throw new UpdateRefusedException($"{oldFile.Path} is not the file any more that the process runs: its build id is {oldFile.BuildId} instead of {old.BuildId}");
        if (old.Elsewhere.Any(p => p.Index < 0 || p.Index >= oldFile.Symbols.Count || !oldFile.Symbols[p.Index].IsDefined))
            throw new UpdateRefusedException($"what is known of the places of {oldFile.Path} does not fit the file: is it another process's?");
        if (oldFile.IsSameAs(newFile)) throw new UpdateRefusedException($"{newFile.Path} is the version that runs already");
        CheckFile(oldFile);
        CheckFile(newFile);
    }

    private static void CheckFile(ElfFile file)
    {
        if (!file.IsPositionIndependentExecutable)
        {
            throw new UpdateRefusedException(
                $"{file.Path} is not a position-independent executable: its code can't be loaded beside another version's. Compile with -fPIE and link with -pie");
        }

        if (!file.Segments.Any(s => s.Type == ElfLayout.Interpreter))
            throw new UpdateRefusedException($"{file.Path} is linked statically: the libraries of the running process can't be used by it. Link without -static");
        if (file.Symbols.Count == 0)
        {
            throw new UpdateRefusedException(
                $"{file.Path} is stripped of its symbol table: static functions and variables can't be found in it. Keep the file as it was linked");
        }

        if (file.StaticRelocations.Count == 0)
        {
            throw new UpdateRefusedException(
                $"{file.Path} was linked without its relocations: what its code refers to can't be bound anew. Link with -Wl,--emit-relocs");
        }

        if (IsLinkTimeOptimised(file))
        {
            throw new UpdateRefusedException(
                $"{file.Path} was optimised at link time: its static names are not told apart by source file any more. Build without -flto");
        }

        foreach (var segment in file.Segments.Where(s => s.Type == ElfLayout.Load))
        {
            if (segment.Alignment > 1 << 21 || (segment.Alignment & (segment.Alignment - 1)) != 0)
                throw new UpdateRefusedException($"{file.Path} asks for an alignment of {segment.Alignment} bytes, more than 2 MiB");
        }
    }

    // GNU ld: local names then stand behind a nameless file; the linker's own nameless file is the last one. lld: behind its one temporary file.
    private static bool IsLinkTimeOptimised(ElfFile file)
    {
        var files = file.Symbols.Where(s => s.Kind == SymbolKind.File).Select(s => s.Name).ToArray();
        return files.SkipLast(1).Any(f => f.Length == 0) || files.Contains("ld-temp.o")
            || file.Symbols.Any(s => s.Name.Contains(".lto_priv.", StringComparison.Ordinal));
    }

    /// <summary>Threads keep their blocks, and code knows the distances in them: the layout must be the same.</summary>
    internal static void CheckThreadLocals(ElfFile oldFile, ElfFile newFile, SymbolMatch match)
    {
        foreach (var (symbols, what) in new[] { (match.Added, "new"), (match.Removed, "gone") })
        {
            if (symbols.FirstOrDefault(s => s.Class == SymbolClass.ThreadLocal) is { } one)
                throw new UpdateRefusedException($"the thread-local {one} is {what} in {newFile.Path}: existing threads' blocks can't be laid out anew");
        }

        foreach (var pair in match.Pairs.Where(p => p.Old.Class == SymbolClass.ThreadLocal))
        {
            if (pair.IsSizeChanged || pair.Old.Symbol.Value != pair.New.Symbol.Value)
                throw new UpdateRefusedException($"the thread-local {pair.New} has another place or size in {newFile.Path}: existing threads' blocks can't be laid out anew");
        }

        var (before, after) = (oldFile.ThreadLocals, newFile.ThreadLocals);
        if (before?.MemorySize != after?.MemorySize || before?.Alignment != after?.Alignment)
            throw new UpdateRefusedException($"the thread-locals of {newFile.Path} take another number of bytes or another alignment: existing threads' blocks can't be laid out anew");
        // New threads get the template's bytes from the first image, and zeros for the rest.
        if (after?.FileSize > before?.FileSize)
            throw new UpdateRefusedException($"a thread-local of {newFile.Path} that began as zero begins with another value: new threads could not get it");
    }
}

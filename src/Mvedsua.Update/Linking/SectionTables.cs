using Mvedsua.Update.Elf;

namespace Mvedsua.Update.Linking;

/// <summary>
/// Tables that the linker collects: a section X that code walks from __start_X to __stop_X. Its objects keep their places all
/// together, or not at all.
/// </summary>
internal static class SectionTables
{
    internal static void Add(LinkedImage old, ElfFile oldFile, ElfFile newFile, DataObjects objects, Bindings bindings)
    {
        foreach (var table in newFile.Symbols.Where(s => s.IsDefined && s.Name.StartsWith("__start_", StringComparison.Ordinal)))
        {
            var section = newFile.Sections[table.Section];
            var name = table.Name["__start_".Length..];
            if (section.Name != name) continue;
            var entries = objects.All.Where(o => o.Section == section.Index).ToArray();
            if (!entries.Any(e => bindings.Data(e, e.Start) is not null)) continue;

            var oldTable = oldFile.Symbols.FirstOrDefault(s => s.IsDefined && s.Name == table.Name);
            var oldSize = oldTable is null ? 0 : oldFile.Sections[oldTable.Section].Size;
            var start = oldTable is null ? 0 : old.AddressOf(oldTable);
            if (oldTable is not null && oldSize == section.Size
                && entries.All(e => bindings.Data(e, e.Start) == unchecked(start + (e.Start - section.Address))))
            {
                foreach (var mark in newFile.Symbols.Where(s => s.IsDefined && (s.Name == table.Name || s.Name == "__stop_" + name)))
                    bindings.AddMark(mark, unchecked(start + (mark.Value - section.Address)));
            }
            else if (entries.All(e => e.IsReadOnly))
            {
                foreach (var entry in entries) bindings.RemoveData(newFile, entry.Start);
            }
            else
            {
                throw new UpdateRefusedException(
                    $"{newFile.Path}: the table that the linker collects in section {name} has other entries than before, and the program writes to it: it can't be carried over");
            }
        }
    }
}

using Mvedsua.Abi.Elf;

namespace Mvedsua.Update.Elf;

/// <summary>The names of symbol versions by their number, from .gnu.version_d (own) and .gnu.version_r (needed).</summary>
internal static class ElfVersions
{
    private const ushort Base = 1; // VER_FLG_BASE: the file's own name, no version

    /// <summary>Adds the versions that a file defines.</summary>
    internal static void AddDefinitions(Dictionary<int, string> names, ReadOnlySpan<byte> table, ReadOnlySpan<byte> strings)
    {
        // Each step goes forward, so that a damaged chain ends.
        for (ulong at = 0; at < (ulong)table.Length;)
        {
            var definition = ElfBytes.Read<ElfLayout.VersionDefinition>(table, at, "version definitions");
            if ((definition.Flags & Base) == 0 && definition.Count > 0)
            {
                var name = ElfBytes.Read<uint>(table, at + definition.Names, "version definitions");
                names[definition.Index & 0x7fff] = ElfBytes.String(strings, name, "version definitions");
            }

            if (definition.Next == 0) return;
            at += definition.Next;
        }
    }

    /// <summary>Adds the versions that a file asks of its libraries.</summary>
    internal static void AddNeeds(Dictionary<int, string> names, ReadOnlySpan<byte> table, ReadOnlySpan<byte> strings)
    {
        var left = table.Length / 16; // no more entries than fit
        for (ulong at = 0; at < (ulong)table.Length;)
        {
            var need = ElfBytes.Read<ElfLayout.VersionNeed>(table, at, "version needs");
            var entryAt = at + need.Entries;
            for (var i = 0; i < need.Count; i++)
            {
                if (left-- == 0) throw ElfHeader.Corrupt("its version needs have more entries than room");
                var entry = ElfBytes.Read<ElfLayout.VersionNeedEntry>(table, entryAt, "version needs");
                names[entry.Index & 0x7fff] = ElfBytes.String(strings, entry.Name, "version needs");
                if (entry.Next == 0) break;
                entryAt += entry.Next;
            }

            if (need.Next == 0) return;
            at += need.Next;
        }
    }
}

using Mvedsua.Follower.Tests;

namespace Mvedsua.Kv.Tests;

/// <summary>A release of the sample server that is the same but for its code or its types: it makes the same calls, so that no rule is needed.</summary>
internal static class KvVariant
{
    /// <summary>What an update between releases of the same types has to be told.</summary>
    internal const string Resume = "resume serve(&server)\n";

    /// <summary>… and one that converts what holds entries.</summary>
    internal const string Lengths = Resume + """
        length struct entry.key is key_size
        length struct table.slots is capacity
        length struct store.shards is count
        length struct server.workers is worker_count
        length struct loop.watches is capacity
        type struct job.data is struct store *

        """;

    /// <summary>Builds release 1.0 once more.</summary>
    /// <param name="folder">Where.</param>
    /// <param name="name">The program's name.</param>
    /// <param name="flags">For the compiler and the linker.</param>
    /// <param name="changes">What is to stand instead of what, by file.</param>
    internal static string Build(string folder, string name, string flags = "-O2 -g -Wl,--emit-relocs", params ReadOnlySpan<(string File, string Old, string New)> changes)
    {
        string sources = Directory.CreateDirectory(Path.Combine(folder, name + ".src")).FullName, program = Path.Combine(folder, name);
        foreach (string part in (string[])["1.0", "base"])
        {
            Directory.CreateDirectory(Path.Combine(sources, part));
            foreach (string file in Directory.EnumerateFiles(Path.Combine(Host.Root, "tests/servers/kv", part))) File.Copy(file, Path.Combine(sources, part, Path.GetFileName(file)));
        }
        foreach ((string file, string old, string changed) in changes)
        {
            string path = Path.Combine(sources, file), text = File.ReadAllText(path);
            Assert.Contains(old, text);
            File.WriteAllText(path, text.Replace(old, changed));
        }
        Host.Result made = Host.Run(sources, "/bin/sh", "-c", $"cc -std=c11 -D_GNU_SOURCE -fPIE -pie -pthread {flags} -o {program} 1.0/*.c base/*.c");
        Assert.True(made.Status == 0, made.Errors);
        return program;
    }

    /// <summary>An entry's fields in another order, wider, and with new ones among them.</summary>
    internal static string BuildWithOtherEntries(string folder) => Build(folder, "other-entries", changes:
        ("1.0/table.h", "    struct entry *newer, *older;", "    uint64_t hits;\n    struct entry *older;\n    int64_t more;\n    struct entry *newer;"));
}

using System.Collections.Concurrent;

namespace Mvedsua.Rewriter.Tests;

/// <summary>Iced as independent oracle over real libraries.</summary>
public class RewriterTests
{
    private const string Installed = "/usr/lib/x86_64-linux-gnu";
    private static readonly Lazy<string[]> Fetched = new(() => Workbench
        .Run(Path.Combine(Workbench.Root, "tests/native/rewrite/fetch-libcs.sh"), Path.Combine(Workbench.Out, "obj/libcs"))
        .Split('\n', StringSplitOptions.RemoveEmptyEntries));

    /// <summary>The files behind the names, each once.</summary>
    private static IEnumerable<string> Libraries(string folder) => Directory.EnumerateFiles(folder)
        .Where(name => Path.GetFileName(name).Contains(".so", StringComparison.Ordinal))
        .Select(name => File.ResolveLinkTarget(name, returnFinalTarget: true)?.FullName ?? name)
        .Where(File.Exists)
        .Distinct();

    /// <summary>Compares in parallel; the number of `syscall`s seen, and all differences.</summary>
    private static (int Sites, List<string> Differences) Compare(IEnumerable<string> files)
    {
        int sites = 0;
        var differences = new ConcurrentBag<string>();
        Parallel.ForEach(files.Chunk(16), chunk =>
        {
            foreach (var dump in Dump.Run(chunk))
            {
                if (dump.Error is not null || ElfFile.Read(dump.Path) is not { } elf)
                    continue;
                Interlocked.Add(ref sites, dump.Places.Values.Count(v => v == "code"));
                foreach (string difference in Comparison.Differences(dump, elf))
                    differences.Add(difference);
            }
        });
        return (sites, differences.Order().Take(50).ToList());
    }

    [Fact]
    public void Every_library_installed_here_has_the_same_sites_and_the_same_displaced_instructions()
    {
        var (sites, differences) = Compare(Libraries(Installed));
        Assert.Empty(differences);
        Assert.True(sites > 500, $"only {sites} sites: libc alone has more");
    }

    [Theory]
    [InlineData("bullseye")]
    [InlineData("trixie")]
    [InlineData("sid")]
    public void Every_libc_of_another_Debian_suite_is_rewritten_without_a_site_left_over(string suite)
    {
        string line = Fetched.Value.FirstOrDefault(l => l.Split(' ', ':')[1] == suite, $"skipped {suite}: not tried");
        if (line.StartsWith("skipped", StringComparison.Ordinal))
            Assert.Skip(line);
        var (sites, differences) = Compare(Libraries(Path.Combine(Workbench.Out, "obj/libcs", suite)));
        Assert.Empty(differences);
        Assert.True(sites > 400, $"only {sites} sites in the libc of {suite}");
    }

    /// <summary>Any byte of a trampoline or jump that is wrong is noticed, or decodes to the same thing.</summary>
    [Fact]
    public void A_damaged_trampoline_is_noticed()
    {
        string libc = Path.Combine(Installed, "libc.so.6");
        var dump = Dump.Run([libc])[0];
        var elf = ElfFile.Read(libc)!;
        var oracle = new Oracle(elf);
        int flipped = 0, noticed = 0;
        foreach (var window in dump.Windows.Take(40))
        {
            var code = Convert.FromHexString(window.Code);
            for (int i = 0; i < code.Length; i++)
            {
                var damaged = (byte[])code.Clone();
                damaged[i] ^= 0x10;
                flipped++;
                noticed += Fails(window with { Code = Convert.ToHexString(damaged) }) ? 1 : 0;
            }
            var after = Convert.FromHexString(window.After);
            after[1] ^= 1;
            Assert.True(Fails(window with { After = Convert.ToHexString(after) }));
        }
        Assert.Equal(flipped, noticed);

        bool Fails(Rewritten window)
        {
            try
            {
                WindowCheck.Verify(window, dump.Bias, oracle, []);
                return false;
            }
            catch (MismatchException)
            {
                return true;
            }
        }
    }

    [Fact]
    public void A_site_that_the_rewriter_misses_is_noticed()
    {
        string libc = Path.Combine(Installed, "libc.so.6");
        var dump = Dump.Run([libc])[0];
        var elf = ElfFile.Read(libc)!;
        Assert.Empty(Comparison.Differences(dump, elf));
        ulong site = dump.Places.First(p => p.Value == "code").Key;
        dump.Places.Remove(site);
        var window = dump.Windows.Find(w => (ulong)w.Window <= site && site < (ulong)w.Window + (ulong)w.Before.Length / 2)!;
        dump.Windows.Remove(window);
        Assert.Equal(2, Comparison.Differences(dump, elf).Count);
    }
}

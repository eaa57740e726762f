using CsCheck;
using Mvedsua.Tests;
using Mvedsua.Update.Debug;
using Mvedsua.Update.Descriptions;
using Mvedsua.Update.Elf;
using Mvedsua.Update.Types;

namespace Mvedsua.Update.Tests.Debug;

/// <summary>A file whose debug information is damaged is refused by name or read; nothing that follows types goes round in circles.</summary>
public sealed class DamagedDebugTests
{
    [Fact]
    public void Damaged_debug_information_is_refused_or_read_to_an_end()
    {
        using var bench = new Workbench();
        var path = bench.Compile("whole", """
            enum kind { A, B = 5 };
            struct node { struct node *next; struct leaf { int a; char b[3]; } leaf, more[2]; union { long n; struct node *p; } u; unsigned x : 3; int (*f)(struct node *, ...); char tail[]; };
            typedef struct node node_t; typedef node_t *list_t;
            list_t head; node_t *table[4]; const volatile int *const v; enum kind k;
            int use(list_t l, int n) { static int calls; { static long inner; inner++; } return calls++ + n; }
            int main(void) { return use(head, 1); }
            """, "-g", "-w");
        var bytes = File.ReadAllBytes(path);
        var whole = ElfFile.Read(path);
        var sections = whole.Sections.Where(s => s.Name is ".debug_info" or ".debug_abbrev").ToList();
        using var sound = DebugFile.Open(path);
        var read = 0;
        Gen.Select(Gen.Int[0, sections.Count - 1], Gen.Int[0, int.MaxValue], Gen.Byte, Gen.Bool).List[1, 8].SampleUntil(changes =>
        {
            var damaged = (byte[])bytes.Clone();
            foreach (var (section, place, value, isSmall) in changes)
            {
                var at = (int)sections[section].Offset + place % (int)sections[section].Size;
                damaged[at] = isSmall ? (byte)(damaged[at] + value % 5 - 2) : value;
            }

            var file = bench.PathOf("damaged");
            File.WriteAllBytes(file, damaged);
            try
            {
                using var opened = DebugFile.Open(file);
                _ = opened.Enumerators.Count;
                foreach (var function in opened.Functions) _ = function.ToString();
                _ = Comparison.Of(sound, opened, Hints.None).ChangedTypes.ToList();
                _ = Comparison.Of(opened, opened, Hints.None).ChangedTypes.ToList();
                read++;
            }
            catch (UpdateRefusedException e)
            {
                Assert.NotEmpty(e.Message);
            }
        }, () => read > 0, Fuzzing.Seconds);
        Assert.True(read > 0);
    }

    /// <summary>Pointers to themselves and to each other among them.</summary>
    [Fact]
    public void Each_reference_between_entries_may_lead_to_any_other_entry()
    {
        using var bench = new Workbench();
        var path = bench.Compile("whole", "int ***pointer; const int *const *other; int main(void) { return pointer == 0 && other == 0; }", "-g", "-w");
        var bytes = File.ReadAllBytes(path);
        var section = ElfFile.Read(path).Sections.Single(s => s.Name == ".debug_info");
        var information = bytes.AsSpan((int)section.Offset, (int)section.Size).ToArray();
        var references = Enumerable.Range(0, information.Length - 4).Where(at => BitConverter.ToUInt32(information, at) is > 11 and var to && to < information.Length).ToList();
        var entries = references.Select(at => BitConverter.ToUInt32(information, at)).Distinct().ToList();
        var file = bench.PathOf("damaged");
        int refused = 0;
        foreach (var at in references)
            foreach (var to in entries)
            {
                var damaged = (byte[])bytes.Clone();
                BitConverter.TryWriteBytes(damaged.AsSpan((int)section.Offset + at), to);
                File.WriteAllBytes(file, damaged);
                try
                {
                    using var opened = DebugFile.Open(file);
                    _ = Comparison.Of(opened, opened, Hints.None).ChangedTypes.ToList();
                }
                catch (UpdateRefusedException)
                {
                    refused++;
                }
            }
        Assert.InRange(refused, 1, references.Count * entries.Count - 1);
    }
}

using System.Globalization;
using System.Text;
using CsCheck;
using Mvedsua.Tests;

namespace Mvedsua.Update.Tests.Transfer;

/// <summary>Pairs of structs whose fields are moved, renamed, widened, added and dropped at random: the new version's code must find every value.</summary>
public sealed class RandomStructTests
{
    private const int StructsPerProgram = 40;

    /// <param name="Old">Old type.</param>
    /// <param name="New">New type, which holds all values of the old.</param>
    /// <param name="OldBits">Of a bit-field; 0 for others.</param>
    /// <param name="NewBits">As <paramref name="OldBits"/>, not smaller.</param>
    /// <param name="OldLength">Of an array; 0 for others.</param>
    /// <param name="NewLength">As <paramref name="OldLength"/>, not smaller.</param>
    /// <param name="Value">Of the field, or of the first element; a C literal.</param>
    /// <param name="IsRenamed">It has another name in the new version.</param>
    /// <param name="IsDropped">The new version doesn't have it.</param>
    /// <param name="Place">Fields of the new version stand in the order of this.</param>
    private sealed record Field(string Old, string New, int OldBits, int NewBits, int OldLength, int NewLength, long Value, bool IsRenamed, bool IsDropped, int Place);

    private static readonly string[] s_signed = ["signed char", "short", "int", "long"], s_unsigned = ["unsigned char", "unsigned short", "unsigned", "unsigned long"];

    private static readonly Gen<Field> s_field =
        from kind in Gen.Int[0, 5]
        from small in Gen.Int[0, 3]
        from wider in Gen.Int[0, 3]
        from bits in Gen.Int[1, 30]
        from more in Gen.Int[0, 2]
        from length in Gen.Int[1, 20]
        from value in Gen.Long
        from flags in Gen.Int[0, 7]
        from place in Gen.Int
        select Make(kind, small, Math.Max(small, wider), bits, more, length, value, flags == 1 || flags == 2, flags == 3, place);

    private static Field Make(int kind, int small, int wide, int bits, int more, int length, long value, bool isRenamed, bool isDropped, int place) => kind switch
    {
        0 => new(s_signed[small], s_signed[wide], 0, 0, 0, 0, value >> (64 - (8 << small)), isRenamed, isDropped, place),
        1 => new(s_unsigned[small], s_unsigned[wide], 0, 0, 0, 0, (value & long.MaxValue) >> (64 - (8 << small)), isRenamed, isDropped, place),
        2 => new("int", wide == 3 ? "long" : "int", bits, Math.Min(bits + more, 31), 0, 0, value >> (64 - bits), isRenamed, isDropped, place),
        3 => new(s_signed[small], s_signed[small], 0, 0, length, length + more, value >> (64 - (8 << small)), isRenamed, isDropped, place),
        4 => new("float", wide > 1 ? "double" : "float", 0, 0, 0, 0, value >> 44, isRenamed, isDropped, place),
        _ => new("unsigned char", small > 1 ? "double" : "short", 0, 0, 0, 0, value & 0xff, isRenamed, isDropped, place),
    };

    [Fact]
    public void Every_value_of_any_struct_is_found_in_the_new_one()
    {
        var programs = 0;
        s_field.List[1, 12].List[StructsPerProgram].SampleUntil(structs =>
        {
            var (old, @new, build, check, description) = (new StringBuilder(), new StringBuilder(), new StringBuilder(), new StringBuilder(), new StringBuilder());
            for (var s = 0; s < structs.Count; s++) Write(s, structs[s], old, @new, build, check, description);
            using var program = new TypedProgram($"{old}void build(void) {{\n{build}}}", $"{@new}int check(void) {{\n{check}return 0; }}", description.ToString());
            program.TransferAndCheck();
            programs++;
        }, () => programs > 0, Fuzzing.Seconds);
        Assert.True(programs > 0);
    }

    private static void Write(int number, List<Field> fields, StringBuilder old, StringBuilder @new, StringBuilder build, StringBuilder check, StringBuilder description)
    {
        var c = CultureInfo.InvariantCulture;
        old.Append(c, $"struct s{number} {{ struct s{number} *self; ");
        @new.Append(c, $"struct s{number} {{ long added; ");
        build.Append(c, $"g{number} = malloc(sizeof *g{number}); memset(g{number}, 0xa5, sizeof *g{number}); g{number}->self = g{number};\n");
        check.Append(c, $"CHECK(g{number}->self == g{number} && g{number}->added == {number}); ");
        description.Append(c, $"init struct s{number}.added = {number}\n");
        for (var i = 0; i < fields.Count; i++)
        {
            var f = fields[i];
            old.Append(c, $"{f.Old} f{i}{Suffix(f.OldBits, f.OldLength)}; ");
            var literal = f.Value == long.MinValue ? "(-9223372036854775807L - 1)" : f.Value.ToString(c) + "L";
            if (f.OldLength == 0) build.Append(c, $"g{number}->f{i} = {literal};\n");
            else build.Append(c, $"for (int i = 0; i < {f.OldLength}; i++) g{number}->f{i}[i] = {literal} ^ i;\n");
            if (f.IsDropped) continue;
            var name = f.IsRenamed ? $"renamed{i}" : $"f{i}";
            if (f.IsRenamed) description.Append(c, $"rename struct s{number}.f{i} to {name}\n");
            if (f.NewLength == 0) check.Append(c, $"CHECK(g{number}->{name} == ({f.New}){literal});\n");
            else check.Append(c, $"for (int i = 0; i < {f.NewLength}; i++) CHECK(g{number}->{name}[i] == ({f.New})(i < {f.OldLength} ? {literal} ^ i : 0));\n");
        }

        foreach (var (f, i) in fields.Select((f, i) => (f, i)).Where(x => !x.f.IsDropped).OrderBy(x => x.f.Place))
            @new.Append(c, $"{f.New} {(f.IsRenamed ? "renamed" : "f")}{i}{Suffix(f.NewBits, f.NewLength)}; ");
        old.Append(c, $"}} *g{number};\n");
        @new.Append(c, $"struct s{number} *self; }} *g{number};\n");
    }

    private static string Suffix(int bits, int length) => bits > 0 ? $" : {bits}" : length > 0 ? $"[{length}]" : "";
}

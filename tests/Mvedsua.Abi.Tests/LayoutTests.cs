using System.Globalization;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Mvedsua.Abi.Tests;

/// <summary>The C# view and shared.h are one layout: the C compiler checks the C# structs.</summary>
public sealed class LayoutTests
{
    private static readonly SharedHeader Header = new();

    private static readonly Type[] Structures =
        [.. typeof(MvEvent).Assembly.GetExportedTypes().Where(t => t.IsValueType && !t.IsEnum && t.IsExplicitLayout && t.Name.StartsWith("Mv", StringComparison.Ordinal))];

    private static readonly Type[] Enumerations =
        [.. typeof(MvEvent).Assembly.GetExportedTypes().Where(t => t.IsEnum && t.Name.StartsWith("Mv", StringComparison.Ordinal))];

    [Fact]
    public void Every_struct_of_the_contract_has_its_twin_with_the_same_fields()
    {
        Assert.Equal(Header.Structures.Keys.Order(), Structures.Select(t => SharedHeader.Snake(t.Name)).Order());
        foreach (var type in Structures)
        {
            var fields = Fields(type).Select(f => SharedHeader.Snake(f.Name));
            Assert.Equal(Header.Structures[SharedHeader.Snake(type.Name)].Order(), fields.Order());
        }
    }

    [Fact]
    public void Every_enumeration_of_the_contract_has_its_twin_with_the_same_names()
    {
        Assert.Equal(Header.Enumerations.Keys.Order(), Enumerations.Select(t => SharedHeader.Snake(t.Name)).Order());
        foreach (var type in Enumerations)
        {
            var names = Header.Enumerations[SharedHeader.Snake(type.Name)];
            Assert.Equal(names.Order(), Members(type, Prefix(names)).Select(m => m.Name).Order());
        }
    }

    [Fact]
    public void Every_offset_size_and_value_is_what_the_C_compiler_says()
    {
        var source = new StringBuilder("#include <mvedsua/shared.h>\n#include <stddef.h>\n");
        var asserted = 0;
        foreach (var type in Structures)
        {
            var name = SharedHeader.Snake(type.Name);
            Require(source, $"sizeof(struct {name}) == {SizeOf(type)}", ref asserted);
            foreach (var field in Fields(type))
            {
                var member = SharedHeader.Snake(field.Name);
                Require(source, $"offsetof(struct {name}, {member}) == {field.GetCustomAttribute<FieldOffsetAttribute>()!.Value}", ref asserted);
                Require(source, $"sizeof(((struct {name} *)0)->{member}) == {SizeOf(field)}", ref asserted);
            }
        }

        foreach (var type in Enumerations)
        {
            foreach (var (name, value) in Members(type, Prefix(Header.Enumerations[SharedHeader.Snake(type.Name)])))
            {
                Require(source, $"{name} == {value}", ref asserted);
            }
        }

        foreach (var (name, value) in Constants()) Require(source, $"{name} == {value}", ref asserted);
        Require(source, $"MV_LOG_OFFSET(1, 3) == {MvAbi.LogOffset(1, 3)}ull", ref asserted);
        Require(source, $"MV_RULES_OFFSET(2, 0) == {MvAbi.RulesOffset(2, reverse: false)}ull", ref asserted);
        Require(source, $"MV_RULES_OFFSET(3, 1) == {MvAbi.RulesOffset(3, reverse: true)}ull", ref asserted);
        Require(source, $"MV_CURSOR_OFFSET(2) == {MvAbi.CursorOffset(2)}ull", ref asserted);
        Assert.True(asserted > 250, $"only {asserted} assertions");
        Compile(source.ToString());
    }

    [Fact]
    public void Every_constant_of_the_contract_has_its_twin()
    {
        // The include guard has no value; everything else does.
        Assert.Equal(Header.Constants.Order(), Constants().Select(c => c.Name).Order());
    }

    [Fact]
    public void A_wrong_layout_would_be_noticed()
    {
        var failure = Record.Exception(() => Compile("#include <mvedsua/shared.h>\n_Static_assert(sizeof(struct mv_event) == 96, \"\");\n"));
        Assert.NotNull(failure);
    }

    [Fact]
    public void The_check_of_the_contract_gives_the_same_in_C_and_in_CSharp()
    {
        // Compared through the log by ByteTests; here the property that it is for: any changed byte changes it.
        var random = new Random(1);
        var e = new MvEvent();
        var bytes = MemoryMarshal.AsBytes(new Span<MvEvent>(ref e));
        random.NextBytes(bytes);
        e.Check = 0;
        var whole = LogChecks.OfEvent(in e);
        for (var i = 0; i < bytes.Length; i++)
        {
            if (i is >= 8 and < 12) continue; // the check itself
            for (var bits = 1; bits < 256; bits++)
            {
                bytes[i] ^= (byte)bits;
                Assert.NotEqual(whole, LogChecks.OfEvent(in e));
                bytes[i] ^= (byte)bits;
            }
        }
    }

    private static void Require(StringBuilder source, string condition, ref int count)
    {
        source.Append(CultureInfo.InvariantCulture, $"_Static_assert({condition}, \"{condition}\");\n");
        count++;
    }

    private static void Compile(string source)
    {
        var file = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".c");
        try
        {
            File.WriteAllText(file, source);
            var (status, output) = Repository.Run("gcc", "-std=c11", "-fsyntax-only", "-I", Path.Combine(Repository.Root, "native/include"), file);
            Assert.True(status == 0, output);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static FieldInfo[] Fields(Type type) => type.GetFields(BindingFlags.Public | BindingFlags.Instance);

    private static IEnumerable<(string Name, string Value)> Members(Type type, string prefix) =>
        type.GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(f => (Name: f.Name, Value: Convert.ToString(f.GetRawConstantValue(), CultureInfo.InvariantCulture)!))
            .Select(m => (Name: prefix + SharedHeader.Snake(m.Name).ToUpperInvariant(), m.Value))
            .Where(m => m.Value != "0" || !m.Name.EndsWith("_NONE", StringComparison.Ordinal) || Header.Enumerations[SharedHeader.Snake(type.Name)].Contains(m.Name));

    /// <summary>What all names of an enumeration begin with, up to an underscore.</summary>
    private static string Prefix(string[] names)
    {
        var length = Enumerable.Range(0, names.Min(n => n.Length)).TakeWhile(i => names.All(n => n[i] == names[0][i])).Count();
        return names[0][..(names[0].LastIndexOf('_', length - 1) + 1)];
    }

    private static IEnumerable<(string Name, string Value)> Constants() =>
        typeof(MvAbi).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(f => ("MV_" + SharedHeader.Snake(f.Name).ToUpperInvariant(), Convert.ToString(f.GetRawConstantValue(), CultureInfo.InvariantCulture) + "ull"));

    private static int SizeOf(FieldInfo field)
    {
        var buffer = field.GetCustomAttribute<FixedBufferAttribute>();
        return buffer is null ? SizeOf(field.FieldType) : SizeOf(buffer.ElementType) * buffer.Length;
    }

    private static int SizeOf(Type type)
    {
        var method = new DynamicMethod("SizeOf", typeof(int), null);
        var il = method.GetILGenerator();
        il.Emit(OpCodes.Sizeof, type);
        il.Emit(OpCodes.Ret);
        return (int)method.Invoke(null, null)!;
    }
}

using Iced.Intel;
using Mvedsua.Update.Linking;
using static Iced.Intel.AssemblerRegisters;

namespace Mvedsua.Update.Tests;

/// <summary>What code does with an address that it took is only told when the instructions show it.</summary>
public sealed class PointerUseTests
{
    public static TheoryData<string, string> Cases { get; } = new()
    {
        { "compared, then given another value", nameof(PointerUseKind.Compared) },
        { "compared in a loop that counts up, then returned from", nameof(PointerUseKind.Bounds) },
        { "compared in a loop that counts down", nameof(PointerUseKind.Compared) },
        { "compared with what a list says", nameof(PointerUseKind.Compared) },
        { "counted back from where the code jumps to", nameof(PointerUseKind.Unknown) },
        { "passed on by a jump out of the function", nameof(PointerUseKind.Escapes) },
        { "read through", nameof(PointerUseKind.Accessed) },
        { "read through behind it, with an index", nameof(PointerUseKind.Indexed) },
        { "the address of an element taken", nameof(PointerUseKind.Indexed) },
        { "the index of another register", nameof(PointerUseKind.Indexed) },
        { "counted on from", nameof(PointerUseKind.Advanced) },
        { "the address of a member taken", nameof(PointerUseKind.Advanced) },
        { "read through in front of it", nameof(PointerUseKind.Accessed) },
        { "counted back from", nameof(PointerUseKind.Unknown) },
        { "named by padding only", nameof(PointerUseKind.Unknown) },
        { "passed on", nameof(PointerUseKind.Escapes) },
        { "passed on after a comparison", nameof(PointerUseKind.Unknown) },
        { "lost by a call", nameof(PointerUseKind.Unknown) },
        { "returned", nameof(PointerUseKind.Escapes) },
        { "stored", nameof(PointerUseKind.Escapes) },
        { "pushed", nameof(PointerUseKind.Escapes) },
        { "copied", nameof(PointerUseKind.Unknown) },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Of_an_address(string what, string expected)
    {
        var a = new Assembler(64);
        var r = what.StartsWith("passed", StringComparison.Ordinal) ? rdi : what == "returned" ? rax : what == "lost by a call" ? r11 : rdx;
        var place = a.CreateLabel();
        a.lea(r, __[place]);
        switch (what)
        {
            case "compared, then given another value": a.cmp(rax, r); a.mov(r, 1); break;
            case "compared in a loop that counts up, then returned from": Loop(() => a.add(rax, 4)); break;
            case "compared in a loop that counts down": Loop(() => a.sub(rax, 4)); break;
            case "compared with what a list says": Loop(() => a.mov(rax, __qword_ptr[rax + 8])); break;
            case "counted back from where the code jumps to":
                var (body, test) = (a.CreateLabel(), a.CreateLabel());
                a.jmp(test);
                a.Label(ref body);
                a.mov(eax, __dword_ptr[r]);
                a.Label(ref test);
                a.sub(r, 4);
                a.cmp(rcx, r);
                a.jne(body);
                break;
            case "passed on by a jump out of the function": a.jmp(0x2000ul); break;
            case "read through": a.mov(eax, __dword_ptr[r]); break;
            case "read through behind it, with an index": a.mov(eax, __dword_ptr[r + rcx * 4 + 8]); break;
            case "the address of an element taken": a.lea(rax, __[r + rcx * 8 + 4]); break;
            case "the index of another register": a.mov(eax, __dword_ptr[rcx + r * 1]); break;
            case "lost by a call": a.call(0x2000ul); break;
            case "pushed": a.push(r); break;
            case "counted on from": a.add(r, 8); break;
            case "the address of a member taken": a.lea(rax, __[r + 16]); break;
            case "read through in front of it": a.mov(eax, __dword_ptr[r - 4]); break;
            case "counted back from": a.sub(r, 4); break;
            case "named by padding only": a.nop(__word_ptr[r]); break;
            case "passed on": a.call(0x2000ul); break;
            case "passed on after a comparison": a.cmp(rax, r); a.call(0x2000ul); break;
            case "stored": a.mov(__qword_ptr[rax], r); break;
            case "copied": a.mov(rcx, r); break;
        }

        a.ret();
        a.Label(ref place);
        a.dd(0);
        void Loop(Action next)
        {
            var loop = a.CreateLabel();
            a.Label(ref loop);
            a.add(ecx, __dword_ptr[rax]);
            next();
            a.cmp(rax, r);
            a.jne(loop);
        }

        using var code = new MemoryStream();
        a.Assemble(new StreamCodeWriter(code), 0x1000);
        Assert.Equal(expected, PointerUses.After(code.ToArray(), 0x1000).Kind.ToString());
    }
}

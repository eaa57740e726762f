namespace Mvedsua.Abi.Elf;

/// <summary>A piece of an ELF file that is mapped executable.</summary>
/// <param name="Name">The section's name, or "segment" in a file without section headers.</param>
/// <param name="Address">Virtual address as linked.</param>
/// <param name="Bytes">The code.</param>
public sealed record ElfCode(string Name, ulong Address, ReadOnlyMemory<byte> Bytes);

/// <summary>
/// What an x86-64 ELF program or library says about itself, read once: nothing of the file stays open or mapped.
/// Immutable, so safe for concurrent use.
/// </summary>
public sealed class ElfImage
{
    internal ElfImage(string path, bool isExecutable) => (Path, IsFixedAddress) = (path, isExecutable);

    /// <summary>The path it was read from.</summary>
    public string Path { get; }

    /// <summary>ET_EXEC: linked to a fixed address, not position-independent.</summary>
    public bool IsFixedAddress { get; }

    /// <summary>The program interpreter (PT_INTERP); null in a static program and in most libraries.</summary>
    public string? Interpreter { get; internal set; }

    /// <summary>Whether there is a dynamic section.</summary>
    public bool IsDynamic { get; internal set; }

    /// <summary>DT_SONAME.</summary>
    public string? SoName { get; internal set; }

    /// <summary>DT_NEEDED, in order.</summary>
    public IReadOnlyList<string> Needed { get; internal set; } = [];

    /// <summary>DT_RUNPATH.</summary>
    public string? RunPath { get; internal set; }

    /// <summary>DT_RPATH, which a RUNPATH overrides.</summary>
    public string? RPath { get; internal set; }

    /// <summary>Built by Go: its runtime makes its own system calls on stacks of its own.</summary>
    public bool IsGo { get; internal set; }

    /// <summary>Marked as compatible with shadow stacks (GNU_PROPERTY_X86_FEATURE_1_SHSTK).</summary>
    public bool HasShadowStack { get; internal set; }

    /// <summary>The shared-memory layout (MV_ABI_VERSION) that libmvedsua.so was built for; null in every other file.</summary>
    public uint? ShimLayout { get; internal set; }

    /// <summary>Build id in hexadecimal; null when there is none.</summary>
    public string? BuildId { get; internal set; }

    /// <summary>Executable sections; the executable segments when section headers are stripped or unusable.</summary>
    public IReadOnlyList<ElfCode> Code { get; internal set; } = [];

    /// <summary>Reads a file. The code is read too when <paramref name="withCode"/> is set.</summary>
    /// <exception cref="ElfException">It isn't an x86-64 ELF program or library.</exception>
    /// <exception cref="IOException">It can't be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    /// <exception cref="DllNotFoundException">libelf.so.1 isn't installed.</exception>
    public static ElfImage Read(string path, bool withCode = false)
    {
        using var file = File.OpenHandle(path);
        using var reader = new ElfReader(path, file);
        return reader.Read(withCode);
    }
}

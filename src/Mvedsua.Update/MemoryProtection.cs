namespace Mvedsua.Update;

/// <summary>What a piece of memory may be used for; the values are those of mmap(2).</summary>
[Flags]
public enum MemoryProtection
{
    /// <summary>PROT_NONE: any access faults.</summary>
    None = 0,

    /// <summary>PROT_READ.</summary>
    Read = 1,

    /// <summary>PROT_WRITE.</summary>
    Write = 2,

    /// <summary>PROT_EXEC.</summary>
    Execute = 4,
}

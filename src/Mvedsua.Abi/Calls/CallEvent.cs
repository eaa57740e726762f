namespace Mvedsua.Abi.Calls;

/// <summary>One system call as the event log holds it.</summary>
public readonly ref struct CallEvent
{
    /// <summary>Its number in the kernel's table.</summary>
    public long Number { get; init; }

    /// <summary>Its six arguments.</summary>
    public ReadOnlySpan<ulong> Arguments { get; init; }

    /// <summary>As the kernel returned it: a value, or -errno. Null while the call is still to be made.</summary>
    public long? Result { get; init; }

    /// <summary>The memory that went out (see <see cref="Payload"/>).</summary>
    public ReadOnlySpan<byte> InPayload { get; init; }

    /// <summary>The memory that came back.</summary>
    public ReadOnlySpan<byte> OutPayload { get; init; }

    /// <summary>The payloads end where the copy of the event was cut off: a segment may be had as far as it is there.</summary>
    public bool IsCut { get; init; }

    internal Payload Memory(bool outgoing) => new(outgoing ? InPayload : OutPayload, IsCut);

    /// <summary>The bytes of one segment; false when the payload does not have it.</summary>
    internal bool TryFind(bool outgoing, int argument, SegmentRole role, int message, out ReadOnlySpan<byte> bytes)
    {
        foreach (var segment in Memory(outgoing))
        {
            if (segment.Argument != argument || segment.Role != role || segment.Message != message) continue;
            bytes = segment.Bytes;
            return true;
        }
        bytes = default;
        return false;
    }

    internal bool Failed => Result is < 0 and >= -4095;
}

/// <summary>How much of an event is printed.</summary>
public sealed record CallFormatOptions
{
    /// <summary>Strings of 32 bytes, lists of 32 elements.</summary>
    public static CallFormatOptions Default { get; } = new();

    /// <summary>Nothing is shortened.</summary>
    public static CallFormatOptions Full { get; } = new() { StringLimit = int.MaxValue, ElementLimit = int.MaxValue };

    /// <summary>Bytes of a buffer that are shown before "...". Paths are always shown whole.</summary>
    public int StringLimit { get; init; } = 32;

    /// <summary>Elements of a list that are shown before "...".</summary>
    public int ElementLimit { get; init; } = 32;
}

/// <summary>One printed argument.</summary>
/// <param name="Name">Its name in the manual page.</param>
/// <param name="Text">Its value in strace's notation.</param>
public readonly record struct FormattedArgument(string Name, string Text);

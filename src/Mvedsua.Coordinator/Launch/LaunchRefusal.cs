using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mvedsua.Coordinator.Launch;

/// <summary>Why a server isn't started. The names are stable: scripts read them.</summary>
[JsonConverter(typeof(RefusalKindConverter))]
public enum RefusalKind
{
    /// <summary>No such file, or nothing of that name in PATH.</summary>
    FileMissing,

    /// <summary>A directory, a device, a socket.</summary>
    NotAFile,

    /// <summary>No permission to execute, or a file system mounted noexec.</summary>
    NotExecutable,

    /// <summary>The interpreter of a script or program isn't there.</summary>
    InterpreterMissing,

    /// <summary>Neither ELF nor a script.</summary>
    UnknownFormat,

    /// <summary>ELF, but truncated or contradictory.</summary>
    CorruptProgram,

    /// <summary>No program interpreter: nothing can be preloaded.</summary>
    StaticProgram,

    /// <summary>Built by Go.</summary>
    GoProgram,

    /// <summary>Linked against musl.</summary>
    MuslProgram,

    /// <summary>A program interpreter that is neither glibc's nor musl's.</summary>
    UnknownInterpreter,

    /// <summary>A 32-bit program.</summary>
    ThirtyTwoBit,

    /// <summary>A program for another processor.</summary>
    OtherMachine,

    /// <summary>Set-user-ID or set-group-ID.</summary>
    SetId,

    /// <summary>File capabilities.</summary>
    FileCapabilities,

    /// <summary>Shadow stacks would be on for it.</summary>
    ShadowStack,

    /// <summary>The kernel is older than 5.16.</summary>
    OldKernel,

    /// <summary>memfd_create doesn't work.</summary>
    NoMemfd,

    /// <summary>A seccomp filter is already active.</summary>
    SeccompActive,

    /// <summary>Memory that was writable can't be made executable.</summary>
    NoWriteThenExecute,

    /// <summary>RLIMIT_NOFILE leaves no room.</summary>
    DescriptorLimit,

    /// <summary>The session name can't be one.</summary>
    SessionNameInvalid,

    /// <summary>A live session has that name.</summary>
    SessionNameInUse,

    /// <summary>The session directory can't be made or written, or isn't private.</summary>
    SessionDirectory,

    /// <summary>No space for the session directory's files.</summary>
    DiskFull,

    /// <summary>A log limit too small for one record.</summary>
    LogLimitTooSmall,

    /// <summary>libmvedsua.so isn't there.</summary>
    LibraryMissing,

    /// <summary>The libmvedsua.so found isn't one, or is another release's.</summary>
    LibraryUnusable,
}

/// <summary>Writes a kind as "static-program".</summary>
public sealed class RefusalKindConverter() : JsonStringEnumConverter<RefusalKind>(JsonNamingPolicy.KebabCaseLower);

/// <summary>Why a server isn't started.</summary>
/// <param name="Kind">The stable reason.</param>
/// <param name="Message">One sentence: the cause, and what to do about it.</param>
public sealed record LaunchRefusal(RefusalKind Kind, string Message)
{
    /// <summary>The kind as scripts see it: "static-program".</summary>
    [JsonIgnore]
    public string Name => NameOf(Kind);

    /// <summary>A kind as scripts see it.</summary>
    public static string NameOf(RefusalKind kind) => JsonNamingPolicy.KebabCaseLower.ConvertName(kind.ToString());
}

/// <summary>A server was refused before anything was started or created.</summary>
public sealed class LaunchRefusedException(LaunchRefusal refusal) : Exception(refusal.Message)
{
    /// <summary>The reason.</summary>
    public LaunchRefusal Refusal { get; } = refusal;

    internal static LaunchRefusedException Because(RefusalKind kind, string message) => new(new LaunchRefusal(kind, message));
}

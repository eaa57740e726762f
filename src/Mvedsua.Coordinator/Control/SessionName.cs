namespace Mvedsua.Coordinator.Control;

/// <summary>What a session may be called: a file name that needs no quoting in a shell.</summary>
public static class SessionName
{
    /// <summary>Longest name, in characters. Keeps the control socket's path inside the kernel's 108 bytes.</summary>
    public const int MaxLength = 48;

    /// <summary>1–48 of A–Z a–z 0–9 . _ -, beginning with a letter or digit.</summary>
    public static bool IsValid(string name) =>
        name.Length is > 0 and <= MaxLength
        && char.IsAsciiLetterOrDigit(name[0])
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');

    /// <summary>A valid name made from a program's path, for <c>run</c> without <c>--name</c>.</summary>
    public static string FromProgram(string path)
    {
        var clean = new string([.. Path.GetFileName(path).Where(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-')]);
        clean = clean.TrimStart('.', '_', '-');
        return clean.Length switch
        {
            0 => "server",
            > MaxLength - 8 => clean[..(MaxLength - 8)],
            _ => clean,
        };
    }
}

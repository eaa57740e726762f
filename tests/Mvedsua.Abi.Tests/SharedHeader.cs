using System.Text.RegularExpressions;

namespace Mvedsua.Abi.Tests;

/// <summary>What shared.h declares: names only, so that nothing can be forgotten here; the values are compared by
/// the C compiler.</summary>
internal sealed partial class SharedHeader
{
    internal SharedHeader()
    {
        var text = Comments().Replace(File.ReadAllText(Repository.SharedHeader), " ");
        foreach (Match m in Structs().Matches(text)) Structures[m.Groups["name"].Value] = Fields(m.Groups["body"].Value);
        foreach (Match m in Enums().Matches(text))
        {
            Enumerations[m.Groups["name"].Value] = [.. m.Groups["body"].Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(e => e.Split('=')[0].Trim())];
        }

        Constants = [.. Defines().Matches(text).Select(m => m.Groups["name"].Value)];
    }

    internal Dictionary<string, string[]> Structures { get; } = [];
    internal Dictionary<string, string[]> Enumerations { get; } = [];

    /// <summary>Names of the macros without parameters that have a value.</summary>
    internal string[] Constants { get; }

    /// <summary>InSize → in_size; Unused0, R8 and Padding2 keep their digit.</summary>
    internal static string Snake(string name) => WordStarts().Replace(name, "_$0").ToLowerInvariant();

    private static string[] Fields(string body) =>
        [.. body.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .SelectMany(declaration => Attributes().Replace(declaration, "").Split(','))
            .Select(declarator => FieldName().Match(declarator.Trim()).Groups["name"].Value)];

    [GeneratedRegex(@"/\*.*?\*/", RegexOptions.Singleline)]
    private static partial Regex Comments();

    [GeneratedRegex(@"^struct (?<name>mv_\w+)\s*\{(?<body>[^}]*)\}", RegexOptions.Multiline)]
    private static partial Regex Structs();

    [GeneratedRegex(@"^enum (?<name>mv_\w+)\s*\{(?<body>[^}]*)\}", RegexOptions.Multiline)]
    private static partial Regex Enums();

    [GeneratedRegex(@"^#define (?<name>MV_\w+)[ \t]+\S", RegexOptions.Multiline)]
    private static partial Regex Defines();

    [GeneratedRegex(@"__attribute__\s*\(\(.*?\)\)\)?")]
    private static partial Regex Attributes();

    [GeneratedRegex(@"(?<name>\w+)(\s*\[[^\]]*\])*$")]
    private static partial Regex FieldName();

    [GeneratedRegex(@"(?<!^)[A-Z]")]
    private static partial Regex WordStarts();
}

namespace Mvedsua.Cli.Tests;

public sealed class CompletionTests : IDisposable
{
    private readonly MvedsuaRunner _mvedsua = new();

    private readonly List<ServedSession> _sessions = [];

    public CompletionTests()
    {
        foreach (var name in (string[])["cache", "cache-2", "web"]) _sessions.Add(new ServedSession(_mvedsua, name));
        // One that ended without tidying up: not offered.
        Directory.CreateDirectory(_mvedsua.SessionFolder("cadaver"));
    }

    public void Dispose()
    {
        _sessions.ForEach(s => s.Dispose());
        _mvedsua.Dispose();
    }

    [Theory]
    [InlineData("mvedsua status ca", "cache cache-2")]
    [InlineData("mvedsua follow ", "cache cache-2 web")]
    [InlineData("mvedsua unfollow w", "web")]
    [InlineData("mvedsua trace c", "cache cache-2")]
    [InlineData("mvedsua report web", "web")]
    [InlineData("mvedsua st", "status")]
    [InlineData("mvedsua run --fo", "--follower --followers")]
    [InlineData("mvedsua update kv --ru", "--rules")]
    public void Bash_completes_verbs_options_and_session_names(string line, string expected)
    {
        // A real bash, with the function that the command prints; what Tab would offer is in COMPREPLY.
        var script = $$"""
            PATH={{Path.GetDirectoryName(MvedsuaRunner.Program)}}:$PATH
            eval "$(mvedsua completion bash)"
            COMP_LINE={{Quote(line)}} COMP_POINT={{line.Length}}
            read -ra COMP_WORDS <<<"$COMP_LINE"
            [[ $COMP_LINE == *' ' ]] && COMP_WORDS+=('')
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            _mvedsua
            printf '%s\n' "${COMPREPLY[@]}"
            """;
        var result = _mvedsua.Run("bash", ["-c", script]);
        var offered = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(o => o[0] != '-' || expected[0] == '-');
        Assert.Equal(expected.Split(' '), offered.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_session_directory_of_somebody_else_is_not_believed()
    {
        File.SetUnixFileMode(Path.Combine(_mvedsua.Folder, "mvedsua"), (UnixFileMode)0b111_111_111);
        Assert.DoesNotContain("cache", _mvedsua.Run("[suggest]", "mvedsua status ").Output, StringComparison.Ordinal);
    }

    private static string Quote(string text) => $"'{text}'";
}

namespace Mvedsua.Rules.Evaluation;

/// <summary>Collects why a decision came out as it did. Not thread-safe.</summary>
public sealed class Explanation
{
    private readonly List<string> _lines = [];

    /// <summary>Sentences, in the order in which the rules were tried.</summary>
    public IReadOnlyList<string> Lines => _lines;

    internal void Say(string line) => _lines.Add(line);
}

/// <summary>Why a test failed: kept only when somebody wants to know.</summary>
internal sealed class Reason
{
    internal string Text { get; private set; } = "";

    internal bool Fail(string text)
    {
        Text = text;
        return false;
    }
}

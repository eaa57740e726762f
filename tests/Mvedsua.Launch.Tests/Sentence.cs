namespace Mvedsua.Launch.Tests;

/// <summary>What a refusal's message must be: one line, one sentence, a cause and a cure.</summary>
internal static class Sentence
{
    internal static void Check(string message)
    {
        Assert.DoesNotContain('\n', message);
        Assert.EndsWith(".", message, StringComparison.Ordinal);
        Assert.DoesNotContain(". ", message, StringComparison.Ordinal);
        Assert.True(message.Contains("; ", StringComparison.Ordinal) || message.Contains(", ", StringComparison.Ordinal), $"no cure in: {message}");
    }
}

using System.Text;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Redis.Tests;

/// <summary>Many commands in few pieces.</summary>
internal static class Pipeline
{
    private const int Batch = 1000;

    /// <summary>The raw replies, none of which may be an error.</summary>
    internal static List<string> Ok(RespClient client, IEnumerable<string[]> commands)
    {
        var replies = new List<string>();
        var text = new StringBuilder();
        foreach (string[][] batch in commands.Chunk(Batch))
        {
            text.Clear();
            foreach (string[] command in batch) RespClient.Append(text, command);
            client.SendRaw(text.ToString());
            foreach (string[] command in batch)
            {
                string reply = client.Read();
                Assert.False(reply.StartsWith('-'), $"{RespClient.Shorten(string.Join(' ', command))}: {reply}");
                replies.Add(reply);
            }
        }
        return replies;
    }
}

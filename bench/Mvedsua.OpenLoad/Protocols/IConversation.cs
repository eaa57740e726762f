namespace Mvedsua.OpenLoad.Protocols;

/// <summary>One connection's requests and the answers to them, which are known in advance and come in the order of the
/// requests. Any number of requests may be on their way. Allocates nothing but for a wrong answer.</summary>
internal interface IConversation
{
    /// <summary>No request is longer, in bytes.</summary>
    const int LongestRequest = 256;

    /// <summary>No answer is longer, in bytes: one that would be is wrong.</summary>
    const int LongestAnswer = 16384;

    /// <summary>The first so many requests prepare the connection: the others follow after their answers.</summary>
    int Greetings { get; }

    /// <summary>Writes the next request; its length.</summary>
    /// <param name="to">Room for the longest.</param>
    int Write(Span<byte> to);

    /// <summary>Reads the answer to the oldest request that has none yet.</summary>
    /// <param name="got">All that has come since the last answer.</param>
    /// <returns>The answer's length; 0: it has not all come yet, ask again with more.</returns>
    /// <exception cref="WrongAnswerException">It is another one than it must be. Nothing more can be read.</exception>
    int Read(ReadOnlySpan<byte> got);
}

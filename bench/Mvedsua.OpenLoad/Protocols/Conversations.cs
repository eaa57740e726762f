namespace Mvedsua.OpenLoad.Protocols;

/// <summary>The protocols by name.</summary>
internal static class Conversations
{
    private static readonly Dictionary<string, Func<int, IConversation>> _all = new()
    {
        ["resp"] = c => new Resp(c),
        ["memcached"] = c => new Memcached(c),
        ["http"] = _ => new Http(),
        ["beanstalkd"] = c => new Beanstalkd(c),
    };

    internal static string[] Names => [.. _all.Keys];

    /// <param name="protocol">One of <see cref="Names"/>.</param>
    /// <param name="connection">Its number: no other one has its keys.</param>
    internal static IConversation Create(string protocol, int connection) => _all[protocol](connection);
}

namespace Mvedsua.Follower.Tests;

/// <summary>Asks what `next` says: (its number, the round). Every target is made unlike all others by its query, so that the
/// server's access log can be checked.</summary>
internal sealed class HttpClients(int port, int number, List<string> asked, Func<int, int, HttpRequest> next) : ManyClients.IClient
{
    private readonly HttpLine _line = new(port);
    private int _round;

    public void Ask()
    {
        HttpRequest request = next(number, _round);
        string target = $"{request.Target}?{number}.{_round++}";
        HttpLine.Answer answer = _line.Ask(request.Method, target, request.Body, request.Headers);
        if (answer.Status != request.Status || !answer.Body.AsSpan().SequenceEqual(request.Expected))
            throw new InvalidDataException($"{request.Method} {target} was answered {answer.Status} with {answer.Body.Length} bytes, not {request.Status} with {request.Expected.Length}:\n{answer.Head}");
        lock (asked) asked.Add($"{request.Method} {target}");
    }

    public void Dispose() => _line.Dispose();
}

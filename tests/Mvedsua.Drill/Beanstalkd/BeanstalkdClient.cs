using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Mvedsua.Drill.Beanstalkd;

/// <summary>Puts jobs into a tube of its own, reserves and deletes them; some it keeps, in another tube.</summary>
internal sealed class BeanstalkdClient(int port, int number, Random random) : DrillClient
{
    private readonly List<string> _kept = [];
    private readonly HashSet<string> _doubtful = []; /* put, and not acknowledged */
    private TcpClient? _client;
    private StreamReader? _reader;
    private string? _putting; /* a job to be kept that is on the way */
    private int _round, _life;

    private string Tube => $"t{number}.{_life}"; /* (a job that a closed connection had reserved comes back into its tube) */
    private string KeptTube => $"k{number}";

    internal override void Connect()
    {
        Dispose();
        _client = new TcpClient("127.0.0.1", port) { NoDelay = true, ReceiveTimeout = 60_000 };
        _reader = new StreamReader(_client.GetStream(), Encoding.Latin1);
        Expect("WATCHING 2", $"watch {Tube}");
        Expect("WATCHING 1", "ignore default");
    }

    internal override void Ask()
    {
        string body = $"{number}.{_round}.{new string('x', random.Next(random.Next(20) == 0 ? 60_000 : 3000))}";
        Expect($"USING {Tube}", $"use {Tube}");
        long put = Id(Say($"put 1 0 600 {body.Length}\r\n{body}"));
        Expect($"RESERVED {put} {body.Length}", "reserve");
        if (Line() is var read && read != body) throw new DrillFailure($"job {put} has {read.Length} bytes, not {body.Length}");
        Expect("DELETED", $"delete {put}");
        if (_round++ % 16 != 0) return;
        Expect($"USING {KeptTube}", $"use {KeptTube}");
        _putting = body;
        Id(Say($"put 1 0 600 {body.Length}\r\n{body}"));
        _kept.Add(body);
        _putting = null;
    }

    internal override void Lost()
    {
        if (_putting is not null) _doubtful.Add(_putting);
        _putting = null;
        _life++;
    }

    /// <summary>Of the kept jobs those that a fresh server, which has read the binlog, has not.</summary>
    internal IEnumerable<string> MissingOfKept(int fresh)
    {
        Lost();
        using var reader = new BeanstalkdClient(fresh, number, random);
        reader.Connect();
        reader.Expect("WATCHING 2", $"watch {KeptTube}");
        reader.Expect("WATCHING 1", $"ignore {reader.Tube}"); /* a job that was on the way when all were killed may be there */
        var missing = new HashSet<string>(_kept);
        for (string answer; (answer = reader.Say("reserve-with-timeout 0")) != "TIMED_OUT";)
        {
            if (!answer.StartsWith("RESERVED ", StringComparison.Ordinal)) throw new DrillFailure($"reserve was answered {answer}");
            string body = reader.Line();
            if (!missing.Remove(body) && !_doubtful.Remove(body)) throw new DrillFailure($"{KeptTube} holds a job that was not put, or twice: {body[..Math.Min(body.Length, 40)]}");
        }
        return missing.Select(body => $"{body[..Math.Min(body.Length, 16)]}… of {KeptTube}");
    }

    public override void Dispose() => _client?.Dispose();

    private string Say(string command)
    {
        _client!.GetStream().Write(Encoding.ASCII.GetBytes(command + "\r\n"));
        return Line();
    }

    private string Line() => _reader!.ReadLine() ?? throw new EndOfStreamException("the server closed the connection");

    private void Expect(string answer, string command)
    {
        if (Say(command) is var got && got != answer) throw new DrillFailure($"{command} was answered {got}, not {answer}");
    }

    private static long Id(string answer) => answer.StartsWith("INSERTED ", StringComparison.Ordinal)
        ? long.Parse(answer[9..], CultureInfo.InvariantCulture)
        : throw new DrillFailure($"put was answered {answer}");
}

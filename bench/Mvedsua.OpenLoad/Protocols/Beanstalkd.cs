namespace Mvedsua.OpenLoad.Protocols;

/// <summary>Jobs that are put, reserved and deleted, in a tube of the connection's own: a reserve can't get another one's job, and
/// a job that is lost or delivered twice shows.</summary>
/// <remarks>Jobs of one tube and priority are reserved in the order in which they were put. So the answer to each reserve is known,
/// also while the job's id isn't, and only a delete must wait for an earlier answer: until then others are put and reserved.</remarks>
internal sealed class Beanstalkd(int connection) : IConversation
{
    private enum Kind
    {
        Use,
        Watch,
        Ignore,
        Put,
        Reserve,
        Delete,
    }

    private static readonly string[] _names = ["use", "watch", "ignore default", "put", "reserve", "delete"];

    private readonly byte[] _value = new byte[Value.Longest], _expected = new byte[IConversation.LongestRequest];

    /// <summary>What the requests were that have no answer yet.</summary>
    private readonly Queue<Kind> _asked = new(1024);

    /// <summary>Ids of jobs that were put and not yet delivered; of those that were delivered and not yet deleted.</summary>
    private readonly Queue<ulong> _waiting = new(1024), _delivered = new(1024);

    private long _written, _read, _puts, _reserves, _deliveries;

    public int Greetings => 3;

    public int Write(Span<byte> to)
    {
        var kind = Next();
        _asked.Enqueue(kind);
        _written++;
        return kind switch
        {
            Kind.Use => Text.Write(to, $"use load{Environment.ProcessId}.{connection}\r\n"),
            Kind.Watch => Text.Write(to, $"watch load{Environment.ProcessId}.{connection}\r\n"),
            Kind.Ignore => Text.Write(to, $"ignore default\r\n"),
            Kind.Put => WritePut(to, ValueOf(_puts++)),
            Kind.Reserve => WriteReserve(to),
            _ => Text.Write(to, $"delete {_delivered.Dequeue()}\r\n"),
        };
    }

    public int Read(ReadOnlySpan<byte> got)
    {
        var kind = _asked.Peek();
        var answer = new Answer(got, _names[(int)kind], _read + 1);
        switch (kind)
        {
            case Kind.Use:
                answer.Take(_expected.AsSpan(0, Text.Write(_expected, $"USING load{Environment.ProcessId}.{connection}\r\n")));
                break;
            case Kind.Watch or Kind.Ignore:
                answer.Take(kind == Kind.Watch ? "WATCHING 2\r\n"u8 : "WATCHING 1\r\n"u8);
                break;
            case Kind.Put:
                answer.Take("INSERTED "u8);
                answer.TakeNumber(out var id);
                if (answer.Take("\r\n"u8)) _waiting.Enqueue(id);
                break;
            case Kind.Reserve:
                if (answer.Take(_expected.AsSpan(0, WriteReserved(_expected, ValueOf(_deliveries))))) _delivered.Enqueue(_waiting.Dequeue());
                if (answer.Length > 0) _deliveries++;
                break;
            default:
                answer.Take("DELETED\r\n"u8);
                break;
        }

        if (answer.Length == 0) return 0;
        _asked.Dequeue();
        _read++;
        return answer.Length;
    }

    private Kind Next() =>
        _written < Greetings ? (Kind)_written
        : _delivered.Count > 0 ? Kind.Delete
        : _puts > _reserves ? Kind.Reserve
        : Kind.Put;

    /// <summary>For longer than any run, so that no job comes back.</summary>
    private static int WritePut(Span<byte> to, ReadOnlySpan<byte> value) => Text.Write(to, $"put 0 0 86400 {value.Length}\r\n{value}\r\n");

    private int WriteReserve(Span<byte> to)
    {
        _reserves++;
        return Text.Write(to, $"reserve\r\n");
    }

    /// <summary>The put's answer came before: its id is known by now.</summary>
    private int WriteReserved(Span<byte> to, ReadOnlySpan<byte> value) => Text.Write(to, $"RESERVED {_waiting.Peek()} {value.Length}\r\n{value}\r\n");

    private ReadOnlySpan<byte> ValueOf(long number) => _value.AsSpan(0, Value.Write(_value, connection, number));
}

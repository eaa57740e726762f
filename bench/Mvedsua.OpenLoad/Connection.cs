using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Numerics;
using System.Runtime.InteropServices;
using Mvedsua.OpenLoad.Interop;
using Mvedsua.OpenLoad.Protocols;

namespace Mvedsua.OpenLoad;

/// <summary>One connection: requests that wait for their answers, in order, and the bytes on their way. Used by one thread, waits for
/// nothing.</summary>
internal sealed unsafe class Connection : IDisposable
{
    private const int OutSize = 1 << 18, FewestWaiting = 1 << 10, MostWaiting = 1 << 16;

    private readonly Socket _socket;
    private readonly IConversation _conversation;
    private readonly byte[] _out = new byte[OutSize], _in = new byte[IConversation.LongestAnswer];
    private readonly (long Due, long Sent)[] _waiting;
    private readonly int _fd;
    private int _outBegin, _outEnd, _inEnd;
    private long _sent, _answered;

    /// <param name="options">Where, and how many requests may wait for answers: as many as are due until a time-out.</param>
    /// <param name="number">Its number.</param>
    /// <exception cref="SocketException">Nobody listens there.</exception>
    internal Connection(LoadOptions options, int number)
    {
        Number = number;
        _conversation = Conversations.Create(options.Protocol, number);
        var wanted = (uint)Math.Clamp(options.Rate * options.Timeout / options.Connections, FewestWaiting, MostWaiting);
        _waiting = new (long, long)[BitOperations.RoundUpToPowerOf2(wanted)];
        _socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            _socket.Connect(IPAddress.Loopback, options.Port);
        }
        catch
        {
            _socket.Dispose();
            throw;
        }

        _fd = (int)_socket.Handle;
    }

    internal int Number { get; }

    internal int Descriptor => _fd;

    /// <summary>Why it can't be used any more; null: it can.</summary>
    internal string? Fault { get; private set; }

    internal bool IsClosed { get; private set; }

    /// <summary>The fault is a wrong answer.</summary>
    internal bool IsWrong { get; private set; }

    /// <summary>There are bytes that the socket has not taken yet.</summary>
    internal bool HasUnsent => _outEnd > _outBegin;

    internal int Greetings => _conversation.Greetings;
    internal long Waiting => _sent - _answered;

    /// <summary>When the request was sent that has waited longest, in ns.</summary>
    internal long OldestSent => _waiting[Index(_answered)].Sent;

    /// <summary>Writes the next request behind the others; <see cref="Flush"/> sends it. False: the connection is closed, or too much
    /// waits already.</summary>
    internal bool TryAdd(long due, long now)
    {
        if (Fault is not null || Waiting == _waiting.Length || !HasRoom()) return false;
        _outEnd += _conversation.Write(_out.AsSpan(_outEnd));
        _waiting[Index(_sent++)] = (due, now);
        return true;
    }

    /// <summary>Sends what the socket takes.</summary>
    internal void Flush()
    {
        while (HasUnsent && Fault is null)
        {
            fixed (byte* from = _out)
            {
                var n = Libc.Send(_fd, from + _outBegin, _outEnd - _outBegin, Libc.MSG_DONTWAIT | Libc.MSG_NOSIGNAL);
                if (n >= 0) _outBegin += (int)n;
                else if (Marshal.GetLastPInvokeError() == Libc.EAGAIN) return;
                else if (Marshal.GetLastPInvokeError() != Libc.EINTR) Fail($"can't be written to: {Marshal.GetLastPInvokeErrorMessage()}");
            }
        }

        if (!HasUnsent) (_outBegin, _outEnd) = (0, 0);
    }

    /// <summary>Reads what has come, and records the answers in it; the time, in ns, when it had come.</summary>
    internal long Receive(Recorder recorder)
    {
        nint n;
        fixed (byte* to = _in) n = Libc.Recv(_fd, to + _inEnd, _in.Length - _inEnd, Libc.MSG_DONTWAIT);
        var now = Stopwatch.GetTimestamp();
        if (n > 0) ReadAnswers((int)n, recorder, now);
        else if (n == 0) Fail("was closed by the server");
        else if (Marshal.GetLastPInvokeError() is not (Libc.EAGAIN or Libc.EINTR)) Fail($"can't be read from: {Marshal.GetLastPInvokeErrorMessage()}");
        return now;
    }

    /// <summary>Closes it, and gives up what has no answer.</summary>
    /// <param name="fault">Why, if it has no <see cref="Fault"/> already.</param>
    /// <param name="recorder">Told of what is given up.</param>
    /// <param name="now">In ns.</param>
    internal void Close(string fault, Recorder recorder, long now)
    {
        IsClosed = true;
        Fail(fault);
        for (; _answered < _sent; _answered++)
        {
            var (due, sent) = _waiting[Index(_answered)];
            recorder.GiveUp(due, sent, now);
        }

        _socket.Dispose();
    }

    public void Dispose() => _socket.Dispose();

    private long Index(long number) => number & (_waiting.Length - 1);

    /// <summary>What is unsent moves to the front when the end is reached.</summary>
    private bool HasRoom()
    {
        if (_out.Length - _outEnd >= IConversation.LongestRequest) return true;
        if (_outBegin < _out.Length / 2) return false;
        _out.AsSpan(_outBegin, _outEnd - _outBegin).CopyTo(_out);
        (_outBegin, _outEnd) = (0, _outEnd - _outBegin);
        return true;
    }

    private void ReadAnswers(int received, Recorder recorder, long now)
    {
        _inEnd += received;
        var at = 0;
        try
        {
            while (Waiting > 0 && at < _inEnd && _conversation.Read(_in.AsSpan(at, _inEnd - at)) is var length and > 0)
            {
                var (due, sent) = _waiting[Index(_answered++)];
                recorder.Answer(due, sent, now);
                at += length;
            }

            if (Waiting == 0 && at < _inEnd) throw new WrongAnswerException($"'{WrongAnswerException.Show(_in.AsSpan(at, _inEnd - at))}' came when nothing was asked");
        }
        catch (WrongAnswerException e)
        {
            IsWrong = true;
            Fail($"had a wrong answer: {e.Message}");
        }

        _in.AsSpan(at, _inEnd - at).CopyTo(_in);
        _inEnd -= at;
    }

    private void Fail(string fault) => Fault ??= $"connection {Number + 1} {fault}";
}

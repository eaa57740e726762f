using System.Diagnostics;

namespace Mvedsua.Abi;

/// <summary>Reads what the shim has to say to the operator, each message once and in their order. Not safe for concurrent use.</summary>
/// <param name="control">Where they are written.</param>
public sealed class MessageReader(ControlBlock control)
{
    /// <summary>A message that takes longer to be written never will be: its writer was killed in it.</summary>
    public static readonly TimeSpan Writing = TimeSpan.FromSeconds(1);

    private ulong _last; // number of the last one that is done with
    private (ulong Number, ulong Newest, long Since)? _awaited; // the first that is not whole; the newest one when that was seen

    /// <summary>One is being written: those behind it are told with it, at a later look.</summary>
    public bool IsWaiting => _awaited is not null;

    /// <summary>Those since the last look, as far as the ring still holds them.</summary>
    /// <param name="isLast">There is no later look: what is not whole is given up at once.</param>
    public IReadOnlyList<ShimMessage> Take(bool isLast = false)
    {
        var messages = new List<ShimMessage>();
        var count = control.MessageCount;
        if (count < _last) _last = count; // damaged: nothing is told twice
        if (count - _last > MvAbi.Messages) _last = count - MvAbi.Messages;
        var givenUp = isLast ? count : _awaited is { } awaited && Stopwatch.GetElapsedTime(awaited.Since) > Writing ? awaited.Newest : 0;
        for (; _last < count; _last++)
        {
            var number = _last + 1;
            if (control.Message(number) is { } message)
            {
                messages.Add(message);
            }
            else if (number > givenUp && count - _last < MvAbi.Messages)
            {
                if (_awaited?.Number != number) _awaited = (number, count, Stopwatch.GetTimestamp());
                return messages;
            }
        }

        _awaited = null;
        return messages;
    }
}

using System.Globalization;
using Mvedsua.Abi.Calls;
using Mvedsua.Rules.Checking;
using Mvedsua.Rules.Events;

namespace Mvedsua.Rules.Evaluation;

/// <summary>What a follower's call is told.</summary>
/// <param name="IsExecuted">The follower makes the call itself; the rest says nothing.</param>
/// <param name="Result">What it returns.</param>
/// <param name="Received">By argument: what its memory gets; null: nothing.</param>
public sealed record Answer(bool IsExecuted, long Result, IReadOnlyList<byte[]?> Received)
{
    internal static Answer Executed { get; } = new(true, 0, new byte[]?[6]);
}

/// <summary>Makes the answer that a rule gives to a call.</summary>
internal static class AnswerBuilder
{
    /// <summary>Null, with a reason: the rule's answer does not fit this call.</summary>
    /// <param name="call">What the rule says.</param>
    /// <param name="record">The follower's call.</param>
    /// <param name="source">The leader's event of the same name, if the rule has one.</param>
    /// <param name="bindings">Captures and stored values.</param>
    /// <param name="why">Gets the reason.</param>
    internal static Answer? Make(CheckedCall call, CallRecord record, CallRecord? source, Bindings bindings, Reason? why)
    {
        if (call.IsExecuted) return Answer.Executed;
        var received = new byte[]?[6];
        var given = 0L;
        if (source is not null) source.Received.CopyTo(received, 0);
        foreach (var gift in call.Gifts)
        {
            if (bindings.Make(gift.Parts) is not { } bytes)
            {
                why?.Fail("nothing is stored yet of what it gives");
                return null;
            }
            received[gift.Argument] = bytes;
            given += bytes.Length;
        }
        if (Result(call, record, source, given, bindings) is not { } result)
        {
            why?.Fail("what it returns has no value");
            return null;
        }
        if (result is < 0 and >= -4095) return new(false, result, source is { Failed: true } ? received : new byte[]?[6]);
        return Fits(call, record, received, given, result, why) ? new(false, result, received) : null;
    }

    private static long? Result(CheckedCall call, CallRecord record, CallRecord? source, long given, Bindings bindings) => call.Default switch
    {
        DefaultResult.Zero => 0,
        DefaultResult.AllSent => record.SentBytes,
        DefaultResult.AllGiven => given,
        DefaultResult.Source => source?.Result,
        _ => bindings.Number(call.Result!),
    };

    private static bool Fits(CheckedCall call, CallRecord record, byte[]?[] received, long given, long result, Reason? why)
    {
        for (var i = 0; i < call.Row.Arguments.Count; i++)
        {
            if (received[i] is not { } bytes) continue;
            if (Room(call.Row.Arguments[i], record) is { } room && bytes.Length > room)
                return why?.Fail($"{call.Row.Arguments[i].Name} would get {Decimal(bytes.Length)} bytes and has room for {Decimal(room)}") ?? false;
        }
        if (call.Gifts.Count > 0 && call.Row.Result == CallResult.Bytes && result != given)
            return why?.Fail($"it gives {Decimal(given)} bytes and returns {Decimal(result)}") ?? false;
        foreach (var gift in call.Gifts)
        {
            var argument = call.Row.Arguments[gift.Argument];
            if (argument.LengthArgument < 0 && argument.Structure == StructRow.Bytes && received[gift.Argument]!.Length != argument.Unit)
                return why?.Fail($"{argument.Name} holds {Decimal(argument.Unit)} bytes, not {Decimal(received[gift.Argument]!.Length)}") ?? false;
        }
        return true;
    }

    // What an iovec has room for is not in the record: the shim looks.
    private static long? Room(ArgumentRow argument, CallRecord record)
    {
        if (argument.Kind is not (ArgumentKind.Out or ArgumentKind.OutAll) || argument.LengthArgument < 0 || record.Texts.Any(text => text is not null)) return null;
        var units = record.Number(argument.LengthArgument);
        return units is < 0 or > int.MaxValue ? int.MaxValue : units * Math.Max(1, argument.Unit);
    }

    private static string Decimal(long number) => number.ToString(CultureInfo.InvariantCulture);
}

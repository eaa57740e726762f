using Mvedsua.Update.Matching;

namespace Mvedsua.Update.Linking;

/// <summary>What became of a variable or constant of the old version.</summary>
public enum CarryOutcome
{
    /// <summary>At its place; it was as at the start, and has the new version's initial value now.</summary>
    NewValue,

    /// <summary>At its place with what the program made of it.</summary>
    Kept,

    /// <summary>At its place with what the program made of it, although the new version begins with another value: worth a look.</summary>
    KeptOverNewValue,

    /// <summary>The new version has its own, with its initial value; the old one was as at the start.</summary>
    Replaced,

    /// <summary>The new version has its own, with its initial value; the program had changed the old one: it is to be converted.</summary>
    ToConvert,

    /// <summary>The new version does not have it; it was as at the start.</summary>
    Gone,

    /// <summary>The new version does not have it; what the program had made of it is left behind.</summary>
    LeftBehind,
}

/// <summary>A variable or constant of the old version.</summary>
/// <param name="Old">In the old version.</param>
/// <param name="New">In the new version; null when it does not have it.</param>
/// <param name="OldAddress">Where it was.</param>
/// <param name="NewAddress">Where it is; 0 when it is nowhere.</param>
/// <param name="Outcome">What became of it.</param>
public sealed record CarriedObject(ProgramSymbol Old, ProgramSymbol? New, ulong OldAddress, ulong NewAddress, CarryOutcome Outcome);

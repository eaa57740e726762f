namespace Mvedsua.Coordinator.Control;

/// <summary>What <c>mvedsua update</c> is asked for.</summary>
/// <param name="To">The new version's file, an absolute path.</param>
/// <param name="Description">The update description's file, an absolute path; null: none.</param>
/// <param name="Rules">The folder with forward.rules and reverse.rules, an absolute path; null: no rules.</param>
/// <param name="Retries">How often an update that fails is tried again; null: as the description says.</param>
/// <param name="WarmUp">How long the new version is compared before the outcome is told; null: it is told as soon as it is compared.</param>
/// <param name="AutoPromote">The new version leads after its warm-up.</param>
/// <param name="AutoCommit">The old version, when it has followed for as long as the warm-up, is ended.</param>
/// <param name="Wait">How long the promotion waits for the new version to come close; null: <see cref="PromotionPatience.Usual"/>.</param>
public sealed record UpdateOrder(string To, string? Description = null, string? Rules = null, int? Retries = null, TimeSpan? WarmUp = null,
    bool AutoPromote = false, bool AutoCommit = false, TimeSpan? Wait = null)
{
    /// <summary>Most retries that can be asked for.</summary>
    public const int MostRetries = 1000;

    /// <summary>What contradicts itself in it, as a sentence without its full stop; null: nothing.</summary>
    public string? Contradiction => this switch
    {
        { Retries: < 0 or > MostRetries } => $"--retry takes a number between 0 and {MostRetries}",
        { WarmUp: { } time } when time <= TimeSpan.Zero || time > LongestWarmUp => $"--warm-up takes a time of at most {LongestWarmUp.TotalDays:0} days",
        { AutoPromote: true, WarmUp: null } => "--auto-promote needs --warm-up TIME: how long the new version is compared before it leads",
        { Wait: not null, AutoPromote: false } => "--wait needs --auto-promote: it is for the promotion that follows the warm-up",
        { AutoCommit: true, AutoPromote: false } => "--auto-commit needs --auto-promote: only a new version that leads can be committed",
        _ => PromotionPatience.Contradiction(Wait),
    };

    private static readonly TimeSpan LongestWarmUp = TimeSpan.FromDays(30);
}

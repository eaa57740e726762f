using System.Text.Json;
using System.Text.Json.Serialization;

namespace Mvedsua.Coordinator.Control;

/// <summary>What can be asked of a session over its control socket.</summary>
public static class ControlVerb
{
    /// <summary>One reply with <see cref="ControlReply.Status"/>.</summary>
    public const string Status = "status";

    /// <summary>Replies with <see cref="ControlReply.Status"/>: one at once, one after every change (at most ten a
    /// second), until either side closes.</summary>
    public const string Watch = "watch";

    /// <summary>One reply, once a follower is in step or has been refused.</summary>
    public const string Follow = "follow";

    /// <summary>One reply, once the follower (<see cref="ControlRequest.Pid"/>, or all of them) is gone.</summary>
    public const string Unfollow = "unfollow";

    /// <summary>One reply, once the follower (<see cref="ControlRequest.Pid"/>) and the leader have changed places.</summary>
    public const string Promote = "promote";

    /// <summary>Replies as an update goes on (<see cref="ControlReply.More"/>); the last one is the outcome. A client that hangs up before it
    /// takes its orders with it: what has been begun comes to its end, nothing more is begun.</summary>
    public const string Update = "update";

    /// <summary>One reply, once the old version is gone and the new one serves alone.</summary>
    public const string Commit = "commit";

    /// <summary>One reply, once the new version is gone and the old one serves alone.</summary>
    public const string Rollback = "rollback";

    /// <summary>Replies with <see cref="ControlReply.Event"/> as calls happen, until either side closes.</summary>
    public const string Trace = "trace";

    /// <summary>One reply with <see cref="ControlReply.Report"/>: the last divergence.</summary>
    public const string Report = "report";
}

/// <summary>A request: one line of JSON from the client. One request a connection.</summary>
/// <param name="Verb">One of <see cref="ControlVerb"/>.</param>
/// <param name="Protocol">The sender's <see cref="ControlProtocol.Version"/>; another one is refused.</param>
/// <param name="Pid">Of unfollow and promote: which follower; 0: the only one.</param>
/// <param name="All">Of unfollow: all followers.</param>
/// <param name="Update">Of update: what is asked for.</param>
/// <param name="Wait">Of promote: how long the follower is waited for while it is behind; null: <see cref="PromotionPatience.Usual"/>.</param>
public sealed record ControlRequest(string Verb, [property: JsonRequired] int Protocol = ControlProtocol.Version, int Pid = 0, bool All = false, UpdateOrder? Update = null,
    TimeSpan? Wait = null);

/// <summary>A reply: one line of JSON from the coordinator.</summary>
/// <param name="Ok">False: refused; <paramref name="Error"/> says why and nothing was changed.</param>
/// <param name="Error">One sentence of cause and cure; null when ok.</param>
/// <param name="ExitStatus">What the command should exit with.</param>
/// <param name="Status">Answer to status and watch.</param>
/// <param name="Event">Answer to trace.</param>
/// <param name="Report">Answer to report.</param>
/// <param name="Message">One line for the user, such as the follower's pid.</param>
/// <param name="More">Of update: other replies follow; without a message: a sign of life.</param>
public sealed record ControlReply(
    bool Ok,
    string? Error = null,
    ExitStatus ExitStatus = ExitStatus.Ok,
    SessionStatus? Status = null,
    TraceEvent? Event = null,
    DivergenceReport? Report = null,
    string? Message = null,
    bool More = false)
{
    /// <summary>A refusal.</summary>
    public static ControlReply Refuse(ExitStatus status, string error) => new(false, error, status);
}

/// <summary>Newline-delimited JSON, UTF-8, camelCase names.</summary>
public static class ControlProtocol
{
    /// <summary>Raised when a message changes meaning. Whatever else changes, another number in <see cref="ControlRequest.Protocol"/> is
    /// refused by <see cref="ControlReply.Error"/> and <see cref="ControlReply.ExitStatus"/>, which every release understands.</summary>
    public const int Version = 3;

    /// <summary>A coordinator that carries out an update is heard of so often, however long the update takes.</summary>
    internal static readonly TimeSpan SignOfLife = TimeSpan.FromSeconds(5);

    /// <summary>Longest line either side accepts, in bytes.</summary>
    public const int MaxLine = 4 << 20;

    /// <summary>One message as a line, newline included.</summary>
    public static byte[] Encode(ControlRequest request) =>
        [.. JsonSerializer.SerializeToUtf8Bytes(request, ControlJson.Default.ControlRequest), (byte)'\n'];

    /// <summary>One message as a line, newline included.</summary>
    public static byte[] Encode(ControlReply reply) =>
        [.. JsonSerializer.SerializeToUtf8Bytes(reply, ControlJson.Default.ControlReply), (byte)'\n'];
}

/// <summary>Serialisation without reflection, for the socket: compact.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ControlRequest))]
[JsonSerializable(typeof(ControlReply))]
[JsonSerializable(typeof(SessionStatus))]
[JsonSerializable(typeof(SessionStatus[]))]
[JsonSerializable(typeof(TraceEvent))]
[JsonSerializable(typeof(DivergenceReport))]
public sealed partial class ControlJson : JsonSerializerContext;

namespace Mvedsua.OpenLoad;

/// <summary>What load is to be made.</summary>
/// <param name="Protocol">One of <see cref="Protocols.Conversations.Names"/>.</param>
/// <param name="Port">On 127.0.0.1.</param>
/// <param name="Rate">Requests per second.</param>
/// <param name="Seconds">How long what is measured lasts.</param>
internal sealed record LoadOptions(string Protocol, int Port, double Rate, double Seconds)
{
    internal const int MostConnections = 1000;
    internal const double HighestRate = 1e8;

    /// <summary>Requests go over them in turn.</summary>
    public int Connections { get; init; } = 50;

    /// <summary>Seconds of load before what is measured.</summary>
    public double WarmUp { get; init; } = 1;

    /// <summary>Seconds after which an answer is not waited for any longer.</summary>
    public double Timeout { get; init; } = 5;

    /// <summary>Requests come as independent clients send them, at random moments: this seed's. Null: at a constant interval.</summary>
    public int? PoissonSeed { get; init; }
}

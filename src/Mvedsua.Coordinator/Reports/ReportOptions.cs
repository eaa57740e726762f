using Mvedsua.Abi.Calls;

namespace Mvedsua.Coordinator.Reports;

/// <summary>How much a report shows.</summary>
internal static class ReportOptions
{
    /// <summary>Events before the point.</summary>
    internal const int Before = 16;

    internal static readonly CallFormatOptions Format = new() { StringLimit = 120, ElementLimit = 16 };
}

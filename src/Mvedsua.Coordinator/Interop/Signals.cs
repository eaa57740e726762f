namespace Mvedsua.Coordinator.Interop;

/// <summary>Signal numbers of x86-64 Linux (signal(7)).</summary>
internal static class Signals
{
    internal const int Kill = 9, Child = 17, Sys = 31;
}

using System.Diagnostics;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Cli;

/// <summary>Gives a session whose coordinator died a new one: a process of its own that outlives this command.</summary>
internal static class Revival
{
    /// <summary>What <c>mvedsua attach</c> prints once the control socket listens again.</summary>
    internal const string Ready = "ready";

    /// <exception cref="SessionException">There is nothing left to attach to.</exception>
    internal static async Task StartAsync(string name, CancellationToken cancel)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, ["attach", "--detach", name])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        // The new coordinator either says that it is ready or ends: both end this read.
        if (await process.StandardOutput.ReadLineAsync(cancel).ConfigureAwait(false) == Ready) return;
        var complaint = (await process.StandardError.ReadToEndAsync(cancel).ConfigureAwait(false)).Trim();
        await process.WaitForExitAsync(cancel).ConfigureAwait(false);
        const string prefix = "mvedsua: ";
        if (complaint.StartsWith(prefix, StringComparison.Ordinal)) complaint = complaint[prefix.Length..];
        var status = Enum.IsDefined((ExitStatus)process.ExitCode) && process.ExitCode != 0
            ? (ExitStatus)process.ExitCode
            : ExitStatus.CoordinatorGone;
        throw new SessionException(status, complaint.Length > 0 ? complaint : $"the coordinator of '{name}' is gone.");
    }
}

using System.Collections;
using System.Globalization;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>The environment of a server that runs under the shim: ours, with the shim first in LD_PRELOAD and the
/// session's descriptor.</summary>
internal static class ServerEnvironment
{
    internal const string Preload = "LD_PRELOAD", Descriptor = "MVEDSUA_SESSION_FD";

    internal static IReadOnlyList<string> For(string library, int sessionFd)
    {
        var result = new List<string>();
        string? preload = null;
        foreach (DictionaryEntry entry in Environment.GetEnvironmentVariables())
        {
            string name = (string)entry.Key, value = (string?)entry.Value ?? "";
            if (name == Preload) preload = value;
            else if (name != Descriptor) result.Add($"{name}={value}");
        }
        result.Add($"{Preload}={(string.IsNullOrEmpty(preload) ? library : $"{library}:{preload}")}");
        result.Add(string.Create(CultureInfo.InvariantCulture, $"{Descriptor}={sessionFd}"));
        return result;
    }
}

using System.Collections.Concurrent;
using Mvedsua.Follower.Tests;

namespace Mvedsua.Drill.Kv;

/// <summary>The programs of tests/servers/kv, each built when it is first asked for. For any thread.</summary>
internal static class KvPrograms
{
    private static readonly ConcurrentDictionary<(string Program, string Sanitizer), Lazy<string>> Built = new();

    /// <summary>The program of a release ("1.0") or of a broken one ("2.0-crash").</summary>
    internal static string Of(string release) => Built.GetOrAdd(($"kv-{release}", ""), Make).Value;

    /// <summary>An update description that names a broken function: "entry_hangs".</summary>
    internal static string Description(string wrong) => Built.GetOrAdd(($"{wrong}.description", ""), Make).Value;

    /// <summary>With AddressSanitizer: "kv-1.0", "conversions".</summary>
    internal static string Sanitized(string program) => Built.GetOrAdd((program, "address"), Make).Value;

    private static Lazy<string> Make((string Program, string Sanitizer) key) => new(() =>
    {
        /* One make at a time: two would write the same object files, and link what the other has half written. */
        string path = Path.Combine(Host.Products, "servers/kv", key.Sanitizer.Length > 0 ? $"sanitized-{key.Sanitizer}" : "", key.Program);
        Host.Result make = Host.Run(Host.Root, "flock", Host.Products, "make", "-s", "-j2", "-C", "tests/servers/kv", $"OUT={Host.Products}", $"SANITIZE={key.Sanitizer}", path);
        if (make.Status != 0) throw new InvalidOperationException($"{key.Program} can't be built: {make.Output}{make.Errors}");
        return path;
    });
}

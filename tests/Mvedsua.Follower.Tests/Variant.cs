namespace Mvedsua.Follower.Tests;

/// <summary>The command beside a library that was built in another way: an installation of its own.</summary>
internal sealed class Variant : IDisposable
{
    private Variant(string make, string folder)
    {
        Host.Result build = Host.Run(Host.Root, "make", "-s", "-C", "native/shim", $"{make}=1", $"OUT={Host.Products}");
        Assert.True(build.Status == 0, build.Output + build.Errors);
        Products = Directory.CreateTempSubdirectory($"mvedsua-{folder}-").FullName;
        File.Copy(Path.Combine(Host.Products, folder, "libmvedsua.so"), Library);
        File.Copy(Path.Combine(Host.Products, "mvedsua"), Path.Combine(Products, "mvedsua"));
    }

    /// <summary>Checks its own arithmetic.</summary>
    internal static Variant Checked() => new("UBSAN", "ubsan");

    /// <summary>Has fault points (native/shim/fault/fault.h).</summary>
    internal static Variant WithFaults() => new("FAULTS", "faults");

    internal string Products { get; }
    internal string Library => Path.Combine(Products, "libmvedsua.so");

    public void Dispose() => Directory.Delete(Products, recursive: true);
}

using System.Globalization;
using Mvedsua.Replication.Measuring;

namespace Mvedsua.Replication.Servers;

/// <summary>bench/native/call-bench.c, run in one way; ended when disposed.</summary>
internal sealed class CallBench : IDisposable
{
    private readonly LineClient _line;

    /// <param name="paths">Where the program is.</param>
    /// <param name="mode">How it is run.</param>
    /// <param name="before">A program that runs it, with its options.</param>
    /// <param name="threads">In a process of two threads.</param>
    internal CallBench(Paths paths, Mode mode, IReadOnlyList<string>? before = null, bool threads = false)
    {
        string[] program = [.. before ?? [], paths.Bench("call-bench"), .. threads ? new[] { "-t" } : []];
        Server = new Server(paths, mode, new Recipe("call-bench", "", (port, _) => [.. program, $"{port}"]));
        try
        {
            _line = new LineClient("call-bench", Server.Port);
            Calls = _line.Ask("calls").Split(';');
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    internal Server Server { get; }

    internal IReadOnlyList<string> Calls { get; } = [];

    /// <summary>Makes the call so many times.</summary>
    internal CallTime Make(string call, int count) => CallTime.Parse(_line.Ask($"{IndexOf(call)} {count}"));

    /// <summary>Where the function stands that makes the call, as "0x…".</summary>
    internal string AddressOf(string call) => _line.Ask($"at {IndexOf(call)}");

    /// <summary>The program is told to end: one that runs it then ends by itself, and may have to write what it found.</summary>
    public void Dispose()
    {
        try
        {
            _line?.Send("quit\n");
            _line?.Dispose();
            if (_line is not null) Server.AwaitEnd();
        }
        catch (IOException)
        {
            // It has ended.
        }
        finally
        {
            Server.Dispose();
        }
    }

    private int IndexOf(string call) => Calls.ToList().IndexOf(call) is var index && index >= 0 ? index : throw new BenchException($"call-bench has no '{call}'");
}

/// <summary>What one call took, in seconds: of the thread's own processor time, and of the clock.</summary>
internal readonly record struct CallTime(double Cpu, double Wall)
{
    /// <summary>Of "110.50 112.03", in ns.</summary>
    internal static CallTime Parse(string answer)
    {
        double[] numbers = [.. answer.Split(' ').Select(n => double.TryParse(n, NumberStyles.Float, CultureInfo.InvariantCulture, out var ns) ? ns / 1e9 : double.NaN)];
        return numbers is [var cpu, var wall] && !double.IsNaN(cpu + wall) ? new CallTime(cpu, wall) : throw new BenchException($"call-bench answered '{answer}'");
    }
}

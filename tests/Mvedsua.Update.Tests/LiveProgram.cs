using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Mvedsua.Coordinator.Reports.Backtraces;
using Mvedsua.Update.Elf;
using Mvedsua.Update.Linking;

namespace Mvedsua.Update.Tests;

/// <summary>A call into a program crashed.</summary>
public sealed class CrashException(long signal, ulong address) : UpdateRefusedException($"signal {signal} at {address:x}")
{
    public long Signal { get; } = signal;

    public ulong Address { get; } = address;
}

/// <summary>A running program that has called agent() (tests/native/update/agent.c), and stands still there.</summary>
public sealed class LiveProgram : IUpdatedProcess, IDisposable
{
    private const ulong CallRequest = 0, MapRequest = 1, ProtectRequest = 2, GoOnRequest = 3, ExitRequest = 4;

    private readonly Process _process;
    private readonly SafeFileHandle _memory;
    private readonly Task<string> _errors;
    private ulong _many, _manyArguments;

    public LiveProgram(string path, IReadOnlyDictionary<string, string>? environment = null, params string[] arguments)
    {
        var start = new ProcessStartInfo(path, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
        _process = Process.Start(start)!;
        _errors = _process.StandardError.ReadToEndAsync();
        // Answers once it has come to agent(): everything before it has happened.
        Ask(ProtectRequest, 0, 0, 0);
        _memory = System.IO.File.OpenHandle($"/proc/{_process.Id}/mem", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        File = ElfFile.Read(path);
        var first = Mappings.First(m => m.Name == path);
        Image = LinkedImage.First(File, first.Start - (File.Extent.Start & ~4095ul));
    }

    /// <summary>The file of the version that runs.</summary>
    public ElfFile File { get; private set; }

    /// <summary>Where it is.</summary>
    public LinkedImage Image { get; private set; }

    public IReadOnlyList<Mapping> Mappings => [.. System.IO.File.ReadLines($"/proc/{_process.Id}/maps").Select(Mapping.Parse)];

    public ulong InitialStack => ulong.Parse(System.IO.File.ReadAllText($"/proc/{_process.Id}/stat").Split(") ")[1].Split(' ')[25], System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>From agent() on.</summary>
    public IReadOnlyList<CallFrame> MainFrames
    {
        get
        {
            var agent = Mappings.First(m => m.Name.EndsWith("/libagent.so", StringComparison.Ordinal));
            var words = new ulong[17];
            Read(agent.Start + ElfFile.Read(agent.Name).DynamicSymbols.Single(s => s.Name == "agent_stands").Value, MemoryMarshal.AsBytes(words.AsSpan()));
            using var unwinder = Unwinder.Open(_process.Id, [.. Image.Images.Skip(1)], out var problem);
            Assert.Null(problem);
            unwinder!.Capture(new InitialRegisters(words[..16], words[16]), isAcrossStacks: false);
            var frames = unwinder.FramesWithRegisters(out problem);
            Assert.Null(problem);
            return frames;
        }
    }

    /// <summary>Updates the program to another version.</summary>
    public LinkResult Update(string path, RelinkOptions? options = null)
    {
        var file = ElfFile.Read(path);
        // As the coordinator would after a restart: through JSON.
        var result = Relinker.Prepare(LinkedImage.FromJson(Image.ToJson()), File, file, options).Apply(this);
        (File, Image) = (file, result.Image);
        return result;
    }

    /// <summary>Updates the program as a server is: by a description, state of changed types and all.</summary>
    public UpdateOutcome Update(string path, string? description)
    {
        using var update = PreparedUpdate.Prepare(LinkedImage.FromJson(Image.ToJson()), File.Path, path, description);
        var outcome = update.Apply(this);
        (File, Image) = (ElfFile.Read(path), outcome.Link.Image);
        return outcome;
    }

    /// <summary>Waits until it has come to agent() again.</summary>
    public void Stop() => Ask(ProtectRequest, 0, 0, 0);

    /// <summary>Lets it go on where it was.</summary>
    public void GoOn() => Send(GoOnRequest, []);

    /// <summary>Lets it go on in a function that doesn't return.</summary>
    public void GoOn(Step step) => Send(CallRequest, [step.Function, .. step.Arguments]);

    /// <summary>What happened to a program that went on and doesn't answer: a crash is told by its place.</summary>
    public string Fate()
    {
        if (_process.WaitForExit(TimeSpan.FromSeconds(1))) return $"it exited with status {_process.ExitCode}";
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        var reply = new byte[16];
        try
        {
            _process.StandardOutput.BaseStream.ReadExactlyAsync(reply, patience.Token).AsTask().Wait();
        }
        catch (AggregateException)
        {
            return "it still runs";
        }
        var place = BitConverter.ToUInt64(reply, 8);
        var own = Image.Images.Last(i => i.Base <= place);
        return $"signal {BitConverter.ToInt64(reply)} at {place:x}, which is {place - own.Base:x} of the image at {own.Base:x} (the last is at {Image.Base:x})";
    }

    /// <summary>Calls a function of the version that runs, by name, in its own code.</summary>
    public long Run(string function, params ulong[] arguments) => (long)Call(Image.Base + Symbol(function).Value, arguments);

    /// <summary>Where pointers to a variable or function lead.</summary>
    public ulong AddressOf(string name) => Image.AddressOf(Symbol(name));

    public int ReadInt(string variable)
    {
        Span<byte> bytes = stackalloc byte[4];
        Read(AddressOf(variable), bytes);
        return BitConverter.ToInt32(bytes);
    }

    /// <summary>Lets it exit(3) and returns what it wrote to standard error.</summary>
    public string Exit()
    {
        Send(ExitRequest, []);
        _process.WaitForExit();
        Assert.Equal(0, _process.ExitCode);
        return _errors.Result;
    }

    public void Read(ulong address, Span<byte> into)
    {
        for (var done = 0; done < into.Length;)
        {
            var place = unchecked((long)address + done);
            if (place < 0) throw new UpdateRefusedException($"{address:x} can't be read");
            try
            {
                done += RandomAccess.Read(_memory, into[done..], place) is > 0 and var read ? read : throw new IOException("no memory");
            }
            catch (IOException e)
            {
                throw new UpdateRefusedException($"{address:x} can't be read", e);
            }
        }
    }

    public void Write(ulong address, ReadOnlySpan<byte> bytes) => RandomAccess.Write(_memory, bytes, (long)address);

    public ulong Call(ulong function, ReadOnlySpan<ulong> arguments) => Ask(CallRequest, [function, .. arguments]);

    /// <summary>By one call of the agent's, whose arguments and results stand in memory that is mapped for it.</summary>
    public void CallMany(ulong function, ReadOnlySpan<ulong> arguments, int perCall, Span<ulong> results)
    {
        const int MostCalls = 1 << 16;
        if (_manyArguments == 0)
        {
            var last = Mappings.Last(m => m.End < 1ul << 47);
            _manyArguments = (last.End + (1 << 24)) & ~4095ul;
            if (_manyArguments + (4 * MostCalls * 8) > 1ul << 47) _manyArguments = Mappings[0].Start - (1 << 24);
            Map(_manyArguments, 4 * MostCalls * 8, MemoryProtection.Read | MemoryProtection.Write);
            var agent = Mappings.First(m => m.Name.EndsWith("/libagent.so", StringComparison.Ordinal));
            _many = agent.Start + ElfFile.Read(agent.Name).DynamicSymbols.Single(s => s.Name == "agent_many").Value;
        }

        Assert.InRange(perCall, 1, 3);
        for (var done = 0; done < results.Length; done += MostCalls)
        {
            var part = results.Slice(done, Math.Min(MostCalls, results.Length - done));
            Write(_manyArguments, MemoryMarshal.AsBytes(arguments.Slice(done * perCall, part.Length * perCall)));
            Call(_many, [function, (ulong)perCall, (ulong)part.Length, _manyArguments, _manyArguments + (3 * MostCalls * 8)]);
            Read(_manyArguments + (3 * MostCalls * 8), MemoryMarshal.AsBytes(part));
        }
    }

    public void Map(ulong address, ulong length, MemoryProtection protection) => Ask(MapRequest, address, length, (ulong)protection);

    public void Protect(ulong address, ulong length, MemoryProtection protection) => Ask(ProtectRequest, address, length, (ulong)protection);

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _memory.Dispose();
    }

    private ElfSymbol Symbol(string name) => File.Symbols.Single(s => s.Name == name && s.IsDefined);

    private ulong Ask(ulong kind, params ReadOnlySpan<ulong> arguments)
    {
        Send(kind, arguments);
        Span<byte> reply = stackalloc byte[16];
        try
        {
            _process.StandardOutput.BaseStream.ReadExactly(reply);
        }
        catch (EndOfStreamException)
        {
            Assert.Fail($"the program is gone: {_errors.Result}");
        }

        var (status, value) = (BitConverter.ToInt64(reply), BitConverter.ToUInt64(reply[8..]));
        if (status < 0) throw new UpdateRefusedException($"request {kind} failed: error {-status}");
        return status == 0 ? value : throw new CrashException(status, value);
    }

    private void Send(ulong kind, ReadOnlySpan<ulong> arguments)
    {
        Span<ulong> request = stackalloc ulong[8];
        request[0] = kind;
        arguments.CopyTo(request[1..]);
        _process.StandardInput.BaseStream.Write(MemoryMarshal.AsBytes(request));
        _process.StandardInput.BaseStream.Flush();
    }
}

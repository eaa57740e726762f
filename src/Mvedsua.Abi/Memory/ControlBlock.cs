using System.Runtime.CompilerServices;
using System.Text;

namespace Mvedsua.Abi;

/// <summary>The live control block of a session. A pointer into <see cref="SessionMemory"/>, valid until that is
/// disposed. Every access has acquire or release order; who may write what is said in shared.h.</summary>
public readonly unsafe struct ControlBlock
{
    private readonly MvControl* _control;

    internal ControlBlock(MvControl* control) => _control = control;

    /// <summary>Refuses a control block of another kind or version.</summary>
    /// <exception cref="SessionMemoryException">It says what it found.</exception>
    public void Check()
    {
        if (Volatile.Read(ref _control->Magic) != MvAbi.ControlMagic)
        {
            throw new SessionMemoryException("this is no session memory (magic number)");
        }

        if (_control->Abi != MvAbi.AbiVersion)
        {
            throw new SessionMemoryException($"the session memory has ABI version {_control->Abi}; this is {MvAbi.AbiVersion}");
        }

        if (_control->Size != (uint)sizeof(MvControl))
        {
            throw new SessionMemoryException($"the control block has {_control->Size} bytes; this version has {sizeof(MvControl)}");
        }
    }

    /// <summary>Fills the part that is written once, before the server starts; the magic number comes last.</summary>
    public void Initialize(ulong logLimit, ulong lagLimitBytes, TimeSpan lagLimit, bool followFromStart)
    {
        _control->Abi = MvAbi.AbiVersion;
        _control->Size = (uint)sizeof(MvControl);
        _control->LogLimit = logLimit;
        _control->LagLimitBytes = lagLimitBytes;
        _control->LagLimitNs = (ulong)lagLimit.TotalNanoseconds;
        _control->FollowFromStart = followFromStart ? 1u : 0u;
        Volatile.Write(ref _control->Magic, MvAbi.ControlMagic);
    }

    public ulong LogLimit => _control->LogLimit;
    public ulong LagLimitBytes => _control->LagLimitBytes;
    public TimeSpan LagLimit => TimeSpan.FromTicks((long)_control->LagLimitNs / TimeSpan.NanosecondsPerTick);

    public SharedUInt32 CoordinatorPid => new(&_control->CoordinatorPid);
    public SharedUInt32 RequestNumber => new(&_control->RequestNumber);
    public SharedUInt32 ReportTaken => new(&_control->ReportTaken);
    public SharedUInt32 Tracing => new(&_control->Tracing);

    /// <summary>Stores a request: number last. The caller then kicks the leader (<see cref="MvAbi.KickRequest"/>).</summary>
    /// <returns>The number that <see cref="AnsweredNumber"/> will reach.</returns>
    public uint PostRequest(MvRequest request)
    {
        Volatile.Write(ref *(uint*)&_control->Request, (uint)request);
        return RequestNumber.Increment();
    }

    /// <summary>Futex: raised and woken after any change of what follows.</summary>
    public SharedUInt32 Change => new(&_control->Change);

    public MvStage Stage => (MvStage)Read(ref *(uint*)&_control->Stage);
    public uint AnsweredNumber => Read(ref _control->AnsweredNumber);
    public MvReason Answer => (MvReason)Read(ref *(uint*)&_control->Answer);
    public int LeaderVersion => (int)(Read(ref _control->LeaderVersion) % MvAbi.Versions);
    public int LeaderPid => (int)Read(ref _control->LeaderPid);
    public int FollowerPid => (int)Read(ref _control->FollowerPid);
    public int KeeperPid => (int)Read(ref _control->KeeperPid);
    public int LogicalPid => (int)Read(ref _control->LogicalPid);
    public MvReason Reason => (MvReason)Read(ref *(uint*)&_control->Reason);
    public int ReasonCode => Volatile.Read(ref _control->ReasonCode);
    public uint FollowerState => Read(ref _control->FollowerState);
    public ulong Generation => Volatile.Read(ref _control->Generation);
    public ulong LogGeneration => Volatile.Read(ref _control->LogGeneration);
    public ulong Failovers => Volatile.Read(ref _control->Failovers);
    public TimeSpan AttachPause => TimeSpan.FromMicroseconds(Volatile.Read(ref _control->AttachPauseNs) / 1000.0);
    public TimeSpan FailoverTime => TimeSpan.FromMicroseconds(Volatile.Read(ref _control->FailoverNs) / 1000.0);
    public int SessionDescriptor => (int)Read(ref _control->SessionFd);
    public uint SitesRewritten => Read(ref _control->SitesRewritten);
    public uint SitesTrapped => Read(ref _control->SitesTrapped);
    public uint SitesRefused => Read(ref _control->SitesRefused);

    /// <summary>The leader publishes for a follower.</summary>
    public bool Publishing => Read(ref _control->Publishing) != 0;

    /// <summary>The leader publishes: for a follower, or for tracers.</summary>
    public bool Publishes => Read(ref _control->Publishes) != 0;
    public string ReasonText => Text(_control->ReasonText, 240);

    /// <summary>A copy; not atomic: the thread may be running.</summary>
    public MvThreadInfo Thread(int version, int slot)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)version, MvAbi.Versions);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)slot, MvAbi.MaxThreads);
        Interlocked.MemoryBarrier();
        return _control->Threads[version * (int)MvAbi.MaxThreads + slot];
    }

    /// <summary>A copy. Stable once <see cref="FollowerState"/> says that the follower is parked.</summary>
    public MvDivergence Divergence()
    {
        Interlocked.MemoryBarrier();
        return _control->Divergence;
    }

    /// <summary>Number of the newest message; 0: none yet.</summary>
    public ulong MessageCount => Volatile.Read(ref _control->MessageCount);

    /// <summary>Copies message <paramref name="number"/>; null when it is being written or has been overwritten.</summary>
    public ShimMessage? Message(ulong number)
    {
        ref var slot = ref _control->Messages[(int)(number % MvAbi.Messages)];
        if (Volatile.Read(ref slot.Number) != number) return null;
        var copy = slot;
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref slot.Number) != number) return null;
        return new ShimMessage(number, (int)copy.Pid, copy.Level, Text(copy.Text, 240));
    }

    /// <summary>The children of a dead leader whose end has not been handed over.</summary>
    public IReadOnlyList<int> LivingOrphans()
    {
        var living = new List<int>();
        for (var i = 0; i < MvAbi.Orphans; i++)
            if (Living(i) is var pid and not 0) living.Add(pid);
        return living;
    }

    /// <summary>Hands over how a child of a dead leader ended; the caller then kicks the leader. False: it is none.</summary>
    public bool EndOrphan(int pid, int status, ReadOnlySpan<byte> rusage)
    {
        for (var i = 0; i < MvAbi.Orphans; i++)
        {
            if (Living(i) != pid) continue;
            ref var slot = ref _control->Orphans[i];
            slot.Status = status;
            fixed (byte* target = slot.Rusage) rusage[..144].CopyTo(new Span<byte>(target, 144));
            Volatile.Write(ref *(uint*)&((MvOrphan*)Unsafe.AsPointer(ref slot))->State, (uint)MvOrphanState.Ended);
            return true;
        }

        return false;
    }

    /// <summary>The pid at that place of the table; 0: free, or ended.</summary>
    private int Living(int place)
    {
        ref var slot = ref _control->Orphans[place];
        var pid = (int)Volatile.Read(ref slot.Pid);
        return slot.State == MvOrphanState.Lives ? pid : 0;
    }

    private static uint Read(ref uint word) => Volatile.Read(ref word);

    private static string Text(byte* text, int size)
    {
        var bytes = new ReadOnlySpan<byte>(text, size);
        var end = bytes.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? bytes : bytes[..end]);
    }
}

/// <summary>A line from the shim to the operator. Level: 0 information, 1 warning, 2 error.</summary>
public sealed record ShimMessage(ulong Number, int Pid, uint Level, string Text);

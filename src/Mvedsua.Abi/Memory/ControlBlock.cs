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
    public void Initialize(ulong logLimit, ulong lagLimitBytes, TimeSpan lagLimit, int followFromStart, int followersWanted)
    {
        _control->Abi = MvAbi.AbiVersion;
        _control->Size = (uint)sizeof(MvControl);
        _control->LogLimit = logLimit;
        _control->LagLimitBytes = lagLimitBytes;
        _control->LagLimitNs = (ulong)lagLimit.TotalNanoseconds;
        _control->FollowFromStart = (uint)followFromStart;
        _control->FollowersWanted = (uint)followersWanted;
        Volatile.Write(ref _control->Magic, MvAbi.ControlMagic);
    }

    public ulong LogLimit => _control->LogLimit;
    public ulong LagLimitBytes => _control->LagLimitBytes;
    public TimeSpan LagLimit => TimeSpan.FromTicks((long)_control->LagLimitNs / TimeSpan.NanosecondsPerTick);

    public SharedUInt32 CoordinatorPid => new(&_control->CoordinatorPid);
    public SharedUInt32 RequestNumber => new(&_control->RequestNumber);
    public SharedUInt32 Tracing => new(&_control->Tracing);

    /// <summary>So many followers are made for a new leader after a failover.</summary>
    public int FollowersWanted => (int)Math.Min(_control->FollowersWanted, MvAbi.Versions - 1);

    /// <summary>Stores a request: number last. The caller then kicks the leader (<see cref="MvAbi.KickRequest"/>).</summary>
    /// <param name="request">What is asked for.</param>
    /// <param name="generation">Of unfollow: which follower is to end; 0: all of them. Of follow: a follower of a later one is wanted.</param>
    /// <param name="point">Of update: where the copy is made: the number of a system call, <see cref="MvAbi.PointAny"/>, <see cref="MvAbi.PointCalls"/> or
    /// <see cref="MvAbi.PointNamed"/>.</param>
    /// <param name="pointName">With <see cref="MvAbi.PointNamed"/>: the point's name, of less than <see cref="MvAbi.PointName"/> bytes in UTF-8.</param>
    /// <returns>The number that <see cref="AnsweredNumber"/> will reach.</returns>
    public uint PostRequest(MvRequest request, ulong generation = 0, uint point = MvAbi.PointAny, string pointName = "")
    {
        var name = new Span<byte>(_control->RequestPoint, (int)MvAbi.PointName);
        name.Clear();
        Encoding.UTF8.GetBytes(pointName, name[..^1]);
        Volatile.Write(ref _control->RequestCall, point);
        Volatile.Write(ref _control->RequestGeneration, (uint)generation);
        Volatile.Write(ref *(uint*)&_control->Request, (uint)request);
        return RequestNumber.Increment();
    }

    /// <summary>Futex: raised and woken after any change of what follows.</summary>
    public SharedUInt32 Change => new(&_control->Change);

    /// <summary>A leader whose death a follower has noticed is in a failover, until its successor has said that it leads.</summary>
    public MvStage Stage
    {
        get
        {
            var stage = (MvStage)Read(ref *(uint*)&_control->Stage);
            var leads = Volatile.Read(ref _control->Leads);
            var failing = Volatile.Read(ref _control->Mourned) == leads + 1 || Volatile.Read(ref MemberAt(LeaderVersion)->Generation) != leads;
            return failing && stage is not (MvStage.Ended or MvStage.Promoting) ? MvStage.Failover : stage;
        }
    }

    public uint AnsweredNumber => Read(ref _control->AnsweredNumber);
    public MvReason Answer => (MvReason)Read(ref *(uint*)&_control->Answer);
    public int LeaderVersion => (int)(Read(ref _control->LeaderVersion) % MvAbi.Versions);
    public int LeaderPid => (int)Read(ref _control->LeaderPid);
    /// <summary>The newest follower that has not ended; 0: none.</summary>
    public int FollowerPid => Newest() is { State: not (MvMemberState.Leads or MvMemberState.Ended) } member
        && (member.Publishing || member.State == MvMemberState.Replaying) ? member.Pid : 0;
    public int KeeperPid => (int)Read(ref _control->KeeperPid);
    public int LogicalPid => (int)Read(ref _control->LogicalPid);
    public MvReason Reason => (MvReason)Read(ref *(uint*)&_control->Reason);
    public int ReasonCode => Volatile.Read(ref _control->ReasonCode);
    /// <summary>What became of the newest follower.</summary>
    public MvMemberState FollowerState => Newest().State;
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
    public bool Publishing => Enumerable.Range(0, (int)MvAbi.Versions).Any(IsPublishing);

    private bool IsPublishing(int version) => Volatile.Read(ref _control->Publishing[version]) != 0;

    /// <summary>A process that leads, follows or did so last, by its version index. Not atomic.</summary>
    public Member Member(int version)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)version, MvAbi.Versions);
        MvMember* member = MemberAt(version);
        return new Member(version, (int)Read(ref member->Pid), (MvMemberState)Read(ref *(uint*)&member->State),
            Volatile.Read(ref member->Generation), (MvReason)Read(ref *(uint*)&member->Reason), member->ReasonCode,
            Text(member->ReasonText, 232), IsPublishing(version), Read(ref member->Point),
            Read(ref member->UpdatedFrom) is var from and not 0 ? (int)from - 1 : null, Read(ref member->Rules[0]), Read(ref member->Rules[1]),
            Volatile.Read(ref member->CrashedAt));
    }

    /// <summary>Gives a version that is about to be made by an update its compiled rules; empty: none. To be called while its process
    /// carries out tasks: it reads the sizes, which are stored last, as it begins to replay.</summary>
    /// <param name="version">Its version index.</param>
    /// <param name="forward">For it following the version that it was copied from.</param>
    /// <param name="reverse">For that one following it.</param>
    /// <exception cref="ArgumentOutOfRangeException">An image has no room in <see cref="MvAbi.RulesSpan"/>.</exception>
    public void WriteRules(int version, ReadOnlySpan<uint> forward, ReadOnlySpan<uint> reverse)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)version, MvAbi.Versions);
        Copy(forward, MvAbi.RulesOffset(version, reverse: false));
        Copy(reverse, MvAbi.RulesOffset(version, reverse: true));
        MvMember* member = MemberAt(version);
        Volatile.Write(ref member->Rules[0], (uint)forward.Length);
        Volatile.Write(ref member->Rules[1], (uint)reverse.Length);
    }

    /* The control block is the beginning of the span in which the rules stand. */
    private void Copy(ReadOnlySpan<uint> image, ulong offset)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(image.Length, (int)(MvAbi.RulesSpan / sizeof(uint)));
        image.CopyTo(new Span<uint>((byte*)_control + offset, image.Length));
    }

    /// <summary>Futex of a diverged follower that waits for its report.</summary>
    public SharedUInt32 ReportTaken(int version) => new(&MemberAt(version)->ReportTaken);

    /// <summary>What a copy under this version index is asked to do on its way to another version.</summary>
    public CopyTask Task(int version)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)version, MvAbi.Versions);
        return new CopyTask((MvTask*)Unsafe.AsPointer(ref _control->Tasks[version]));
    }

    private MvMember* MemberAt(int version) => (MvMember*)Unsafe.AsPointer(ref _control->Members[version]);

    private Member Newest()
    {
        Member newest = Member(0);
        for (var version = 1; version < MvAbi.Versions; version++)
            if (Member(version) is var other && other.Generation > newest.Generation) newest = other;
        return newest;
    }

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

    /// <summary>A copy. Stable once its <see cref="Member"/> says that the follower is parked.</summary>
    public MvDivergence Divergence(int version)
    {
        Interlocked.MemoryBarrier();
        return _control->Divergence[version];
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

/// <summary>A process that leads, follows or did so last under its version index.</summary>
/// <param name="Version">Its index.</param>
/// <param name="Pid">0: none, or surely gone.</param>
/// <param name="State">What it is.</param>
/// <param name="Generation">control.generation when it was made; 0: it was started.</param>
/// <param name="Reason">Why it ended.</param>
/// <param name="ReasonCode">Signal or errno.</param>
/// <param name="ReasonText">The shim's remark, often empty.</param>
/// <param name="Publishing">The leader publishes for it.</param>
/// <param name="Point">Of one that an update made: number of the system call at which it was copied.</param>
/// <param name="UpdatedFrom">Version index of the leader that it was copied from to become another version; null: it was not, or that
/// index has gone to another process.</param>
/// <param name="ForwardRules">Words of the rules for it following that one; 0: none.</param>
/// <param name="ReverseRules">Words of the rules for that one following it; 0: none.</param>
/// <param name="CrashedAt">The instruction at which the follower got a signal; 0: none.</param>
public readonly record struct Member(int Version, int Pid, MvMemberState State, ulong Generation, MvReason Reason, int ReasonCode,
    string ReasonText, bool Publishing, uint Point = 0, int? UpdatedFrom = null, uint ForwardRules = 0, uint ReverseRules = 0,
    ulong CrashedAt = 0)
{
    /// <summary>An update gave it rules.</summary>
    public bool HasRules => ForwardRules != 0 || ReverseRules != 0;

    /// <summary>A copy that is becoming another version. It has no state yet when it has just been made.</summary>
    public bool IsUpdating => State == MvMemberState.Updating || (State == MvMemberState.None && UpdatedFrom is not null);
}

/// <summary>A line from the shim to the operator. Level: 0 information, 1 warning, 2 error.</summary>
public sealed record ShimMessage(ulong Number, int Pid, uint Level, string Text);

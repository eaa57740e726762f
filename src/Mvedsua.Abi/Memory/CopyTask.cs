namespace Mvedsua.Abi;

/// <summary>The place of the control block where a copy of the leader finds what it has to do on its way to another version: struct mv_task. A
/// pointer into <see cref="SessionMemory"/>, valid until that is disposed. One task at a time, by one thread.</summary>
public readonly unsafe struct CopyTask
{
    private readonly MvTask* _task;

    internal CopyTask(MvTask* task) => _task = task;

    /// <summary>Futex: the number of the last task that is done.</summary>
    public SharedUInt32 Done => new(&_task->Done);

    /// <summary>What the last task returned; valid once <see cref="Done"/> has its number.</summary>
    public long Result => Volatile.Read(ref _task->Result);

    /// <summary>The lowest address of the stack on which the new version goes on.</summary>
    public ulong StackLow => Volatile.Read(ref _task->StackLow);

    /// <summary>Gives the copy a task, and wakes it.</summary>
    /// <param name="kind">What it is to do.</param>
    /// <param name="arguments">At most eight.</param>
    /// <returns>The number that <see cref="Done"/> will reach.</returns>
    public uint Post(MvTaskKind kind, ReadOnlySpan<ulong> arguments)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(arguments.Length, 8);
        arguments.CopyTo(new Span<ulong>(_task->Args, 8));
        Volatile.Write(ref *(uint*)&_task->Kind, (uint)kind);
        SharedUInt32 number = new(&_task->Number);
        uint posted = number.Increment();
        number.Wake();
        return posted;
    }
}

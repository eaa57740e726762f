using System.Runtime.CompilerServices;
using Mvedsua.Abi;
using Mvedsua.Coordinator.Interop;
using Mvedsua.Coordinator.Sessions;

namespace Mvedsua.Coordinator.Tests;

/// <summary>The shim's messages, of which any may be being written as they are read, or never be whole: its writer was killed.</summary>
public sealed class MessageReaderTests : IDisposable
{
    private readonly SharedMemory _memory = SharedMemory.Create("messages", 1 << 20, null, followers: 0, wanted: 0);
    private readonly unsafe MvControl* _control;
    private readonly MessageReader _reader;

    public unsafe MessageReaderTests()
    {
        _control = (MvControl*)Libc.Mmap(null, MvAbi.ControlSpan, Libc.PROT_READ | Libc.PROT_WRITE, Libc.MAP_SHARED, _memory.Memory.Descriptor, 0);
        _reader = new MessageReader(_memory.Control.Block);
    }

    public unsafe void Dispose()
    {
        _ = Libc.Munmap(_control, MvAbi.ControlSpan);
        _memory.Dispose();
    }

    [Fact]
    public void What_is_being_written_comes_later_with_what_stands_behind_it()
    {
        Write(Begin());
        ulong late = Begin();
        Write(Begin());
        Assert.Equal([1ul], Taken());
        Assert.True(_reader.IsWaiting);
        Write(late);
        Assert.Equal([2ul, 3], Taken());
        Assert.False(_reader.IsWaiting);
    }

    [Fact]
    public async Task What_is_never_whole_is_given_up_and_hides_nothing_behind_it()
    {
        Begin();
        Begin();
        Write(Begin());
        Assert.Empty(Taken());
        await Task.Delay(MessageReader.Writing + TimeSpan.FromMilliseconds(100), TestContext.Current.CancellationToken);
        Begin(); /* a new one has its own time */
        Write(Begin());
        Assert.Equal([3ul], Taken());
        Assert.True(_reader.IsWaiting);
    }

    [Fact]
    public void What_was_overwritten_is_not_waited_for()
    {
        for (uint i = 0; i < MvAbi.Messages + 5; i++) Write(Begin());
        Assert.Equal(Enumerable.Range(6, (int)MvAbi.Messages).Select(number => (ulong)number), Taken());
    }

    private IEnumerable<ulong> Taken() => _reader.Take().Select(message => message.Number);

    private unsafe ulong Begin()
    {
        ulong number = ++_control->MessageCount;
        At(number)->Number = 0;
        return number;
    }

    private unsafe void Write(ulong number) => Volatile.Write(ref At(number)->Number, number);

    private unsafe MvMessage* At(ulong number) => (MvMessage*)Unsafe.AsPointer(ref _control->Messages[(int)(number % MvAbi.Messages)]);
}

using System.ComponentModel;
using System.Runtime.InteropServices;
using Mvedsua.OpenLoad.Interop;

namespace Mvedsua.OpenLoad;

/// <summary>Waits for connections and for a moment at once: epoll, and a timer for absolute times, which the kernel does not round
/// as it does the time-outs of calls.</summary>
internal sealed unsafe class Events : IDisposable
{
    private const int Most = 64;
    private const long TheTimer = -1;

    private readonly Libc.EpollEvent[] _events = GC.AllocateArray<Libc.EpollEvent>(Most, pinned: true);
    private readonly int _epoll, _timer;
    private long _armed;

    internal Events()
    {
        _epoll = Checked(Libc.EpollCreate(Libc.EPOLL_CLOEXEC), "epoll_create1");
        _timer = Checked(Libc.TimerCreate(Libc.CLOCK_MONOTONIC, Libc.TFD_CLOEXEC), "timerfd_create");
        // Edge-triggered: nobody needs to read how often it has gone off.
        Control(Libc.EPOLL_CTL_ADD, _timer, Libc.EPOLLIN | Libc.EPOLLET, TheTimer);
    }

    /// <summary>From now on the descriptor's events are waited for.</summary>
    internal void Add(int descriptor, int number) => Control(Libc.EPOLL_CTL_ADD, descriptor, Libc.EPOLLIN, number);

    /// <summary>Whether room to write into is an event, too.</summary>
    internal void WatchRoom(int descriptor, int number, bool watch) =>
        Control(Libc.EPOLL_CTL_MOD, descriptor, watch ? Libc.EPOLLIN | Libc.EPOLLOUT : Libc.EPOLLIN, number);

    /// <summary>Returns how many events have come.</summary>
    /// <param name="until">Not later than this, in ns; 0: at once.</param>
    internal int Wait(long until)
    {
        if (until != 0 && until != _armed)
        {
            var time = new Libc.TimerTime { Seconds = until / 1_000_000_000, Nanoseconds = until % 1_000_000_000 };
            Checked(Libc.TimerSet(_timer, Libc.TFD_TIMER_ABSTIME, &time, null), "timerfd_settime");
            _armed = until;
        }

        fixed (Libc.EpollEvent* events = _events)
        {
            var n = Libc.EpollWait(_epoll, events, Most, until == 0 ? 0 : -1);
            if (n >= 0) return n;
            return Marshal.GetLastPInvokeError() == Libc.EINTR ? 0 : Checked(n, "epoll_wait");
        }
    }

    /// <summary>Whose event it is; -1: the timer's. Each of those that <see cref="Wait"/> counted is to be taken before the next wait.</summary>
    internal (int Number, bool Room) Take(int index)
    {
        var (data, events) = (_events[index].Data, _events[index].Events);
        if (data == TheTimer) _armed = 0;
        return ((int)data, (events & Libc.EPOLLOUT) != 0);
    }

    public void Dispose()
    {
        _ = Libc.Close(_timer);
        _ = Libc.Close(_epoll);
    }

    private void Control(int what, int descriptor, uint events, long data)
    {
        var @event = new Libc.EpollEvent { Events = events, Data = data };
        Checked(Libc.EpollControl(_epoll, what, descriptor, &@event), "epoll_ctl");
    }

    private static int Checked(int result, string call) =>
        result >= 0 ? result : throw new Win32Exception(Marshal.GetLastPInvokeError(), $"{call}: {Marshal.GetLastPInvokeErrorMessage()}");
}

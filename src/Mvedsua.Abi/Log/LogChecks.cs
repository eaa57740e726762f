using System.Numerics;
using System.Runtime.CompilerServices;

namespace Mvedsua.Abi;

/// <summary>The checks of shared.h: any change of a single byte of a header is found.</summary>
public static unsafe class LogChecks
{
    /// <summary>mv_event_check().</summary>
    public static uint OfEvent(ref readonly MvEvent e)
    {
        var words = (ulong*)Unsafe.AsPointer(ref Unsafe.AsRef(in e));
        var h = words[0] ^ (words[1] & 0xffffffff00000000);
        for (var i = 2; i < sizeof(MvEvent) / 8; i++) h = BitOperations.RotateLeft(h, 9) ^ words[i];
        return (uint)(h ^ (h >> 32));
    }

    /// <summary>mv_log_header_check().</summary>
    public static ulong OfHeader(ref readonly MvLogHeader header)
    {
        var words = (ulong*)Unsafe.AsPointer(ref Unsafe.AsRef(in header));
        var h = 0x9e3779b97f4a7c15;
        for (var i = 0; i < 8; i++)
        {
            if (i != 6) h = BitOperations.RotateLeft(h, 9) ^ words[i];
        }

        return h;
    }
}

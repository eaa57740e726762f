namespace Mvedsua.Abi.Tests;

/// <summary>What is no session memory, no log, another log or a damaged one is refused by name; nothing faults.</summary>
public sealed unsafe class RefusalTests
{
    private const ulong Generation = 9;

    private static MvLogFault Fault(Action act) => Assert.Throws<LogCorruptException>(act).Fault;

    private static void Open(SessionMemory memory, int version = 0, int slot = 2, ulong generation = Generation, int reader = 0) =>
        LogReader.Open(memory, version, slot, generation, reader).Dispose();

    [Fact]
    public void A_file_that_is_no_session_memory_is_refused()
    {
        var file = Path.GetTempFileName();
        try
        {
            Refused("bytes", 0);
            Refused("bytes", 4096);
            Refused("magic", (long)MvAbi.ControlSpan);
            Write(0, MvAbi.ControlMagic);
            Refused("ABI version", (long)MvAbi.ControlSpan);
            Write(8, MvAbi.AbiVersion | (77ul << 32));
            Refused("77 bytes", (long)MvAbi.ControlSpan);
            Write(8, MvAbi.AbiVersion | ((ulong)sizeof(MvControl) << 32));
            SessionMemory.Open(file, writable: false).Dispose();
            Write(8, (MvAbi.AbiVersion + 1) | ((ulong)sizeof(MvControl) << 32));
            Refused($"ABI version {MvAbi.AbiVersion + 1}", (long)MvAbi.ControlSpan);
        }
        finally
        {
            File.Delete(file);
        }

        void Refused(string word, long length)
        {
            using (var stream = File.OpenWrite(file)) stream.SetLength(length);
            var refusal = Assert.Throws<SessionMemoryException>(() => SessionMemory.Open(file, writable: false));
            Assert.Contains(word, refusal.Message, StringComparison.Ordinal);
        }

        void Write(long at, ulong value)
        {
            using var handle = File.OpenHandle(file, access: FileAccess.Write);
            RandomAccess.Write(handle, BitConverter.GetBytes(value), at);
        }
    }

    [Fact]
    public void What_lies_beyond_the_limit_is_not_read_nor_what_no_span_can_hold()
    {
        using var memory = SessionMemory.Create("refusal-test");
        using var log = new HandMadeLog(memory, 0, 2, Generation, limit: 2 * MvAbi.LogChunk);
        log.Append(default, new byte[8], []);
        log.Expect(0);
        Open(memory);
        log.Expect(0);
        log.Header->High = 3 * MvAbi.LogChunk;
        Assert.Equal(MvLogFault.BadHigh, Fault(() => Open(memory)));

        using var huge = new HandMadeLog(memory, 0, 3, Generation);
        var at = huge.Append(default, new byte[8], []);
        huge.Expect(0);
        huge.Header->High = MvAbi.LogSpan;
        (huge.At(at)->Size, huge.At(at)->InSize) = (0x8000_0000u + (uint)sizeof(MvEvent), 0x8000_0000u);
        huge.Reseal(at);
        using var reader = LogReader.Open(memory, 0, 3, Generation, 0);
        Assert.Equal(MvLogFault.BadSize, Fault(() => reader.TryPeek(out _)));
    }

    [Fact]
    public void A_missing_file_is_refused_with_its_name()
    {
        var refusal = Assert.Throws<System.ComponentModel.Win32Exception>(() => SessionMemory.Open("/proc/self/fd/12345", writable: false));
        Assert.Contains("/proc/self/fd/12345", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_session_memory_cannot_be_truncated_under_its_users()
    {
        using var memory = SessionMemory.Create("refusal-test");
        using var file = File.OpenHandle(ByteTests.PathOf(memory), access: FileAccess.ReadWrite);
        Assert.ThrowsAny<Exception>(() => RandomAccess.SetLength(file, 4096));
        Assert.Equal(MvAbi.SessionSize, memory.Length);
    }

    [Fact]
    public void A_log_beyond_the_end_of_a_truncated_memory_is_refused()
    {
        var path = Path.GetTempFileName();
        try
        {
            using var file = File.OpenHandle(path, access: FileAccess.ReadWrite);
            foreach (var length in new[] { MvAbi.ControlSpan, MvAbi.LogOffset(0, 2), MvAbi.LogOffset(0, 2) + 512, MvAbi.LogOffset(0, 2) + MvAbi.LogData })
            {
                RandomAccess.SetLength(file, (long)length);
                using var memory = Initialized(path);
                if (length > MvAbi.LogOffset(0, 2) + 512)
                {
                    // A whole header whose log isn't there: written while the file was longer.
                    RandomAccess.SetLength(file, (long)MvAbi.LogOffset(0, 3));
                    new HandMadeLog(memory, 0, 2, Generation).Dispose();
                    RandomAccess.SetLength(file, (long)length);
                }

                Assert.Equal(MvLogFault.Truncated, Fault(() => Open(memory)));
            }
        }
        finally
        {
            File.Delete(path);
        }

        static SessionMemory Initialized(string path)
        {
            using (var file = File.OpenHandle(path, access: FileAccess.Write))
            {
                RandomAccess.Write(file, BitConverter.GetBytes(MvAbi.ControlMagic), 0);
                RandomAccess.Write(file, BitConverter.GetBytes(MvAbi.AbiVersion | ((ulong)sizeof(MvControl) << 32)), 8);
            }

            return SessionMemory.Open(path, writable: true);
        }
    }

    [Fact]
    public void Each_wrong_expectation_has_its_name()
    {
        using var memory = SessionMemory.Create("refusal-test");
        Assert.Equal(MvLogFault.BadMagic, Fault(() => Open(memory))); // never started
        using var log = new HandMadeLog(memory, 0, 2, Generation);
        Open(memory);
        Assert.Equal(MvLogFault.BadGeneration, Fault(() => Open(memory, generation: 8)));
        Assert.Equal(MvLogFault.BadReader, Fault(() => Open(memory, reader: (int)MvAbi.MaxReaders)));
        Header(h => h->Abi++, MvLogFault.BadAbi);
        Header(h => h->RecordSize -= 8, MvLogFault.BadRecordSize);
        Header(h => h->Version = 1, MvLogFault.BadVersion);
        Header(h => h->Slot = 3, MvLogFault.BadSlot);
        Header(h => h->Limit *= 2, MvLogFault.BadLimit);
        Header(h => h->Start = 8, MvLogFault.BadStart);
        Header(h => h->High = 0, MvLogFault.BadHigh);
        Header(h => h->Published = 0, MvLogFault.BadPublished);
        Header(h => h->Published += 4, MvLogFault.BadPublished);
        Open(memory);

        void Header(HeaderChange change, MvLogFault expected)
        {
            var saved = *log.Header;
            change(log.Header);
            log.Header->Check = LogChecks.OfHeader(in *log.Header);
            Assert.Equal(expected, Fault(() => Open(memory)));
            *log.Header = saved;
        }
    }

    private delegate void HeaderChange(MvLogHeader* header);

    [Fact]
    public void Every_flipped_byte_of_the_log_header_is_found()
    {
        using var memory = SessionMemory.Create("refusal-test");
        using var log = new HandMadeLog(memory, 0, 2, Generation);
        for (var i = 0; i < 64; i++)
        {
            foreach (var bits in new byte[] { 1, 0x80, 0x55, 0xff })
            {
                log.Base[i] ^= bits;
                Assert.NotEqual(MvLogFault.None, Fault(() => Open(memory)));
                log.Base[i] ^= bits;
            }
        }

        Open(memory);
    }

    [Fact]
    public void Every_flipped_byte_of_a_record_header_is_found_and_told_again()
    {
        using var memory = SessionMemory.Create("refusal-test");
        using var log = new HandMadeLog(memory, 0, 2, Generation);
        log.Expect(0);
        var at = log.Append(new MvEvent { Call = 1 }, new byte[16], new byte[24]);
        using var reader = LogReader.Open(memory, 0, 2, Generation, 0);
        for (var i = 0; i < sizeof(MvEvent); i++)
        {
            for (var bits = 1; bits < 256; bits++)
            {
                log.Base[at + (ulong)i] ^= (byte)bits;
                Assert.Equal(MvLogFault.BadCheck, Fault(() => reader.TryPeek(out _)));
                Assert.Equal(MvLogFault.BadCheck, Fault(() => reader.TryPeek(out _)));
                log.Base[at + (ulong)i] ^= (byte)bits;
            }
        }

        Assert.True(reader.TryPeek(out _));
    }

    [Fact]
    public void Whatever_the_changing_fields_hold_no_reader_leaves_the_log()
    {
        using var memory = SessionMemory.Create("refusal-test");
        using var log = new HandMadeLog(memory, 0, 2, Generation);
        for (var i = 0; i < 10; i++) log.Append(new MvEvent { Call = 1 }, new byte[16], new byte[24]);
        var saved = *log.Header;
        var refused = 0;
        for (var i = 64; i < sizeof(MvLogHeader); i++)
        {
            foreach (var bits in new byte[] { 1, 8, 0x80, 0xff })
            {
                log.Expect(0);
                log.Base[i] ^= bits;
                try
                {
                    using var reader = LogReader.Open(memory, 0, 2, Generation, 0);
                    for (var n = 0; reader.TryPeek(out _); n++)
                    {
                        Assert.True(n < 10);
                        reader.Consume();
                    }
                }
                catch (LogCorruptException)
                {
                    refused++;
                }

                *log.Header = saved;
            }
        }

        Assert.True(refused > 30);
    }

    [Fact]
    public void A_wrong_record_with_a_right_check_has_its_name()
    {
        using var memory = SessionMemory.Create("refusal-test");
        using var log = new HandMadeLog(memory, 0, 2, Generation);
        log.Expect(0);
        var at = log.Append(new MvEvent { Call = 1 }, new byte[16], new byte[24]);
        using var reader = LogReader.Open(memory, 0, 2, Generation, 0);
        Expect(MvLogFault.BadSize, e => e->Size = 0);
        Expect(MvLogFault.BadSize, e => e->Size = 0xfffffff8);
        Expect(MvLogFault.BadSize, e => e->Size += 4);
        Expect(MvLogFault.BadPayload, e => e->InSize += 8);
        Expect(MvLogFault.BadPayload, e => { e->InSize = 0xfffffff8; e->OutSize = 48; });
        Expect(MvLogFault.BadPayload, e => e->OrderSize = 1);
        Expect(MvLogFault.BadSequence, e => e->Sequence = 1);
        foreach (var target in new ulong[] { 0, 8, MvAbi.LogData, MvAbi.LogData + 8, MvAbi.LogSpan, ~0ul, MvAbi.LogData + MvAbi.LogChunk })
        {
            Expect(MvLogFault.BadJump, e => { e->Call = (ushort)MvPseudoCall.Jump; e->Size = 104; e->InSize = e->OutSize = 0; e->Args[0] = target; });
        }

        Assert.True(reader.TryPeek(out _));
        reader.Consume();
        log.Header->Published -= 8;
        Assert.Equal(MvLogFault.Backwards, Fault(() => reader.TryPeek(out _)));

        void Expect(MvLogFault expected, RecordChange change)
        {
            var saved = *log.At(at);
            change(log.At(at));
            log.Reseal(at);
            Assert.Equal(expected, Fault(() => reader.TryPeek(out _)));
            *log.At(at) = saved;
        }
    }

    private delegate void RecordChange(MvEvent* record);

    [Fact]
    public void Every_fault_has_the_same_words_in_C_and_in_CSharp()
    {
        var source = File.ReadAllText(Path.Combine(Repository.Root, "native/shim/log/reader.c"));
        foreach (var fault in Enum.GetValues<MvLogFault>())
        {
            Assert.Contains('"' + LogCorruptException.Describe(fault) + '"', source, StringComparison.Ordinal);
        }

        Assert.Equal(Enum.GetValues<MvLogFault>().Length, Enum.GetValues<MvLogFault>().Select(LogCorruptException.Describe).Distinct().Count());
    }
}

using CsCheck;
using Mvedsua.Rules.Bytecode;
using Mvedsua.Rules.Evaluation;
using Mvedsua.Tests;

namespace Mvedsua.Rules.Tests;

/// <summary>The interpreter in the shim decides as the reference evaluator does.</summary>
public sealed class NativeTests
{
    private const int Memory = 1 << 20;

    [Fact]
    public void The_shim_decides_as_the_reference_evaluator_does()
    {
        var applied = 0;
        RandomRules.Cases.SampleUntil(c => applied += Applied(c, 1), () => applied > 0, Fuzzing.Seconds * 2);
        Assert.True(applied > 0, "no rule applied: is anything compared?");
    }

    [Theory]
    [MemberData(nameof(DirectedRules.Names), MemberType = typeof(DirectedRules))]
    public void The_shim_decides_as_the_reference_evaluator_does_about(string what)
    {
        var applied = 0;
        DirectedRules.Cases(what).SampleUntil(one => applied += Applied(one.Case, one.Thread), () => applied > 0, Fuzzing.Seconds);
        Assert.True(applied > 0, "no rule applied: is anything compared?");
    }

    [Fact]
    public void With_too_little_memory_it_says_so_and_decides_nothing_else()
    {
        var refused = 0;
        Gen.Select(RandomRules.Cases, Gen.Int[0, 60]).SampleUntil(one =>
        {
            if (Compare(one.Item1, 1, one.Item2).RanOut) refused++;
        }, () => refused > 0, Fuzzing.Seconds);
        Assert.True(refused > 0, "there was always room: is anything tried?");
    }

    private static int Applied(RandomCase c, int thread)
    {
        var (applied, ranOut) = Compare(c, thread, Memory);
        Assert.False(ranOut, "there is no room, with all this memory");
        return applied;
    }

    /// <summary>Asserts that all decisions are the same, up to the first for which there is no room.</summary>
    private static (int Applied, bool RanOut) Compare(RandomCase c, int thread, int memory)
    {
        var names = c.Rules.Names.ToList();
        var evaluator = new Evaluator(c.Rules);
        var state = RuleState.Start(c.Rules, thread);
        using var native = new NativeMachine(Compiler.Compile(c.Rules), thread, memory);
        var (done, known, applied) = (0, 0, 0);
        foreach (var call in c.Follower)
        {
            for (var settled = false; !settled;)
            {
                known = Math.Max(known, done);
                var pending = c.Leader.Skip(done).Take(known - done).ToList();
                var isEnd = known == c.Leader.Count;
                var expected = evaluator.Decide(state, pending, call, isEnd);
                var actual = native.Decide(pending, call, isEnd);
                if (actual.Verdict == NativeMachine.Verdict.NoRoom) return (applied, true);
                var rule = actual.Rule >= 0 ? names[actual.Rule] : actual.Rule == -2 ? "begin" : null;
                Assert.Equal(PropertyTests.Describe(expected), PropertyTests.Describe(
                    new(Enum.Parse<DecisionKind>(actual.Verdict.ToString()), expected.State, actual.Consumed, rule, actual.Answer)));
                if (expected.Kind is DecisionKind.Reconciled or DecisionKind.Dropped) applied++;
                (state, done) = (expected.State, done + expected.Consumed);
                if (expected.Kind == DecisionKind.NeedsMore) known++;
                settled = expected.Kind is DecisionKind.Equal or DecisionKind.Reconciled;
                if (expected.Kind == DecisionKind.Diverged) return (applied, false);
            }
        }
        return (applied, false);
    }
}

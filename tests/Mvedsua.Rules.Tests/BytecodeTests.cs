using CsCheck;
using Mvedsua.Rules.Bytecode;
using Mvedsua.Rules.Checking;
using Mvedsua.Rules.Evaluation;
using Mvedsua.Tests;

namespace Mvedsua.Rules.Tests;

/// <summary>The image that the shim interprets decides as the reference evaluator does.</summary>
public sealed class BytecodeTests
{
    [Fact]
    public void The_image_decides_as_the_reference_evaluator_does()
    {
        var applied = 0;
        RandomRules.Cases.SampleUntil(c => Compare(c, ref applied), () => applied > 0, Fuzzing.Seconds * 2);
        Assert.True(applied > 0, "no rule applied: is anything compared?");
    }

    [Theory]
    [MemberData(nameof(DirectedRules.Names), MemberType = typeof(DirectedRules))]
    public void The_image_decides_as_the_reference_evaluator_does_about(string what)
    {
        var applied = 0;
        DirectedRules.Cases(what).SampleUntil(one => Compare(one.Case, ref applied, one.Thread), () => applied > 0, Fuzzing.Seconds);
        Assert.True(applied > 0, "no rule applied: is anything compared?");
    }

    [Fact]
    public void A_call_that_no_rule_names_costs_one_look_into_the_index()
    {
        var image = Image.Open(Compiler.Compile(Texts.Rules("rule write($f, $b) => writev($f, $b)\nrule close(1) => nothing")));
        for (var number = 0; number < 600; number++)
        {
            var name = Abi.Calls.CallTable.ByNumber(number)?.Name;
            Assert.Equal(name == "writev" ? [0] : [], image.Candidates(number, dropping: false));
            Assert.Equal(name == "close" ? [1] : [], image.Candidates(number, dropping: true));
        }
    }

    [Fact]
    public void A_damaged_image_is_refused_or_interpreted_within_its_bounds()
    {
        var refused = 0;
        Gen.Select(RandomRules.Cases, Fuzzing.Damaged(Gen.Const(Array.Empty<byte>())), (c, _) => c).SelectMany(c =>
            Fuzzing.Damaged(Gen.Const(Compiler.Compile(c.Rules))).Select(bytes => (Case: c, Bytes: bytes))).SampleUntil(damaged =>
        {
            Image image;
            try
            {
                image = Image.Open(damaged.Bytes);
            }
            catch (FormatException)
            {
                refused++;
                return;
            }
            var machine = new Machine(image);
            foreach (var call in damaged.Case.Follower)
            {
                var decision = machine.Decide(MachineState.Start(image, 1), damaged.Case.Leader, call, isEnd: true);
                Assert.InRange(decision.Consumed, 0, damaged.Case.Leader.Count);
            }
        }, () => refused > 0, Fuzzing.Seconds);
        Assert.True(refused > 0, "nothing was refused: is anything verified?");
    }

    private static void Compare(RandomCase c, ref int applied, int thread = 1)
    {
        var names = c.Rules.Names.ToList();
        var image = Image.Open(Compiler.Compile(c.Rules));
        var (evaluator, machine) = (new Evaluator(c.Rules), new Machine(image));
        var (state, machineState) = (RuleState.Start(c.Rules, thread), MachineState.Start(image, thread));
        var (done, known) = (0, 0);
        foreach (var call in c.Follower)
        {
            for (var settled = false; !settled;)
            {
                known = Math.Max(known, done);
                var pending = c.Leader.Skip(done).Take(known - done).ToList();
                var isEnd = known == c.Leader.Count;
                var expected = evaluator.Decide(state, pending, call, isEnd);
                var actual = machine.Decide(machineState, pending, call, isEnd);
                Assert.Equal(PropertyTests.Describe(expected), PropertyTests.Describe(new(actual.Kind, expected.State, actual.Consumed,
                    actual.Rule >= 0 ? names[actual.Rule] : actual.Rule == -2 ? "begin" : null, actual.Answer)));
                if (expected.Kind is DecisionKind.Reconciled or DecisionKind.Dropped) applied++;
                (state, machineState, done) = (expected.State, actual.State, done + expected.Consumed);
                if (expected.Kind == DecisionKind.NeedsMore) known++;
                settled = expected.Kind is DecisionKind.Equal or DecisionKind.Reconciled;
                if (expected.Kind == DecisionKind.Diverged) return;
            }
        }
    }
}

using Mvedsua.Abi;
using Mvedsua.Coordinator.Control;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>A new leader gets as many followers again as the session was started with ('run --followers').</summary>
internal sealed partial class Session
{
    /// <summary>The dead leader's other followers may take a moment to be gone, and their places with them.</summary>
    private static readonly TimeSpan Again = TimeSpan.FromMilliseconds(100);
    private const int MostTries = 100;
    private int _tries;
    private ulong _led; /* control.generation when the present leader took over: those from before are not its own */

    private void FollowAgain(ulong generation)
    {
        (_tries, _led) = (0, generation);
        FollowOnce();
    }

    private void FollowOnce()
    {
        int own = _state.Followers.Count(f => f.Generation > _led);
        if (own >= _memory.Control.Block.FollowersWanted || _state.Phase == Phase.Ended) return;
        int leader = LeaderPid;
        var request = new ShimRequest(MvRequest.Follow) { IsOperators = false };
        _ = request.Reply.ContinueWith(reply => Post(new SessionEvent.Inspect(() => Followed(leader, reply.Result))), TaskScheduler.Default);
        Accept(request);
    }

    private void Followed(int leader, ControlReply reply)
    {
        if (leader != LeaderPid) return; /* the next one is given its own */
        if (reply.Ok) FollowOnce();
        else if (reply.ExitStatus == ExitStatus.RefusedByStage && _tries++ < MostTries) After(Again, new SessionEvent.Inspect(FollowOnce));
        else SessionLog.Problem(_log, $"the new leader has fewer followers than the old one had: {reply.Error}");
    }
}

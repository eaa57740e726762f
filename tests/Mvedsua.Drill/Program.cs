using System.CommandLine;
using Mvedsua.Drill;

var kills = new Option<int>("--kills") { Description = "End after so many kills (0: no limit)", DefaultValueFactory = _ => 10_000 };
var seconds = new Option<int>("--seconds") { Description = "Begin no session after so many seconds (0: no limit)" };
var seed = new Option<int?>("--seed") { Description = "What all that is drawn follows from (default: the clock's)" };
var server = new Option<string>("--server") { Description = "Which server; all: in turn", DefaultValueFactory = _ => "all" };
var session = new Option<int?>("--session") { Description = "Only this session of the seed" };
var length = new Option<int>("--length") { Description = "Kills in one session", DefaultValueFactory = _ => 60 };
var followers = new Option<int>("--followers") { Description = "So many follow at once (1 to 3); with more than one, none is killed at fault points", DefaultValueFactory = _ => 1 };
var only = new Option<Kill[]>("--only") { Description = "Only kills of this kind (may be given again), and none at fault points", DefaultValueFactory = _ => [] };
var command = new RootCommand("The kill drill: a server with a follower and clients whose every answer is known; its processes are killed, again and again.")
{
    kills, seconds, seed, server, session, length, followers, only,
};
followers.Validators.Add(result =>
{
    if (result.GetValueOrDefault<int>() is < 1 or > 3) result.AddError("--followers takes 1, 2 or 3");
});
server.AcceptOnlyFromAmong(DrillServers.Names);
command.SetAction(parsed => new Drill(new DrillOptions(
    parsed.GetValue(kills), TimeSpan.FromSeconds(parsed.GetValue(seconds)), parsed.GetValue(seed) ?? Environment.TickCount & 0xffffff,
    parsed.GetRequiredValue(server), parsed.GetValue(session), parsed.GetValue(length), parsed.GetValue(followers), parsed.GetRequiredValue(only))).Run());
return command.Parse(args).Invoke();

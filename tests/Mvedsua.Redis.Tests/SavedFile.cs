using Mvedsua.Follower.Tests;

namespace Mvedsua.Redis.Tests;

/// <summary>The file of one save in the background, which holds what there was when it began.</summary>
internal sealed class SavedFile : IDisposable
{
    private readonly RedisUnderMvedsua _server;
    private readonly RespClient _client;
    private readonly Save _save;
    private readonly string _digest; /* the twin's at that moment */
    private readonly HashSet<string> _keys;
    private readonly int _before;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mvedsua-saved.");

    /// <summary>No other save is made until this one has ended: its file is not replaced.</summary>
    internal SavedFile(RedisUnderMvedsua server, RespClient client, RespClient twin, TwinLoad load, int delay)
    {
        (_server, _client) = (server, client);
        client.Ok("CONFIG", "SET", "save", "");
        (_digest, _keys, _before, _save) = load.Between(() =>
            (twin.Ok("DEBUG", "DIGEST"), new HashSet<string>(KeyState.Keys(twin)), Saves, new Save(server.LeaderPid, client, delay)));
    }

    private int Saves => int.Parse(UpdatedRedis.Info(_client, "persistence", "rdb_saves"));

    /// <summary>The same process saves still.</summary>
    internal void IsUnderWay() => Assert.True(_save.IsUnderWay, $"the save (process {_save.Pid}) has ended before");

    /// <summary>It ends well; its file is kept, and the server saves by itself again.</summary>
    internal void HasEnded(string saves)
    {
        Host.Until(() => !_save.IsUnderWay, "the save has ended", 120);
        Assert.Equal(("ok", "0"), (UpdatedRedis.Info(_client, "persistence", "rdb_last_bgsave_status"), UpdatedRedis.Info(_client, "persistence", "rdb_bgsave_in_progress")));
        Assert.Equal(_before + 1, Saves);
        File.Copy(Path.Combine(_server.Folder, "dump.rdb"), Path.Combine(_folder.FullName, "dump.rdb"));
        _client.Ok("CONFIG", "SET", "save", saves);
    }

    /// <summary>Read by a Redis that knows nothing of the update, it holds what the twin had when the save began, and what only the server had.</summary>
    /// <param name="reader">Shows what a native Redis loads from the folder.</param>
    internal void IsOfItsMoment(Action<string, string, Action<RespClient>> reader) => reader(_folder.FullName, "no", loaded =>
    {
        string[] others = [.. KeyState.Keys(loaded).Where(key => !_keys.Contains(key))];
        Assert.All(others, key => Assert.Matches("^(passing|lasting|throughout|before)(:|$)", key));
        Assert.Contains("lasting", others);
        loaded.Ok(["DEL", .. others]);
        loaded.Expect(_digest, "DEBUG", "DIGEST");
    });

    public void Dispose() => _folder.Delete(recursive: true);
}

using Mvedsua.Abi.Calls;

namespace Mvedsua.Rules.Events;

/// <summary>The names of constants, as <c>mvedsua trace</c> prints them.</summary>
internal static class Constants
{
    private const int AtFdCwd = -100;

    /// <summary>The value of a name where this argument stands; null: it has none there.</summary>
    internal static long? Value(ArgumentRow argument, string name)
    {
        if (argument.Kind == ArgumentKind.DirFd && name == "AT_FDCWD") return AtFdCwd;
        if (CommandKind(argument) is { } kind)
        {
            foreach (var command in CallTable.Commands(kind))
                if (command.Name == name) return (int)command.Value;
            return null;
        }
        foreach (var set in SetsOf(argument))
            if (NameSet.Of(set).ValueOf(name) is { } value) return value;
        return null;
    }

    /// <summary>All names that may stand there.</summary>
    internal static IEnumerable<string> Names(ArgumentRow argument)
    {
        if (argument.Kind == ArgumentKind.DirFd) return ["AT_FDCWD"];
        if (CommandKind(argument) is { } kind) return CallTable.Commands(kind).Select(command => command.Name);
        return SetsOf(argument).SelectMany(set => NameSet.Of(set).Names.Select(entry => entry.Name));
    }

    /// <summary>The number of an error's name, positive; null: there is none of that name.</summary>
    internal static long? Error(string name) => NameSet.Of("errno").ValueOf(name);

    /// <summary>The value of a name, whatever it is a constant of; null: there is none, or several of different values.</summary>
    internal static long? Anywhere(string name)
    {
        if (name == "AT_FDCWD") return AtFdCwd;
        long? found = null;
        foreach (var set in NameSet.All.Values)
        {
            if (set.ValueOf(name) is not { } value) continue;
            if (found is { } other && other != value) return null;
            found = value;
        }
        return found;
    }

    /// <summary>The names of all sets.</summary>
    internal static IEnumerable<string> AllNames() => NameSet.All.Values.SelectMany(set => set.Names.Select(entry => entry.Name));

    private static ArgumentKind? CommandKind(ArgumentRow argument) => argument.Set switch
    {
        "ioctl" => ArgumentKind.IoctlArg,
        "fcntl" => ArgumentKind.FcntlArg,
        "prctl" => ArgumentKind.PrctlArg,
        _ => null,
    };

    private static IEnumerable<string> SetsOf(ArgumentRow argument) => argument.Kind switch
    {
        ArgumentKind.Signal => ["signal"],
        ArgumentKind.Clock => ["clock"],
        ArgumentKind.Mode => ["filetype"],
        // Which of them an option is named in depends on the level, another argument.
        ArgumentKind.Enum when argument.Set == "sockopt" => ["sockopt", "tcpopt", "ipopt", "ipv6opt"],
        ArgumentKind.Flags when argument.Set == "clone" => ["clone", "signal"],
        ArgumentKind.Enum or ArgumentKind.Flags => [argument.Set],
        _ => [],
    };
}

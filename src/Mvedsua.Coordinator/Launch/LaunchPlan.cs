namespace Mvedsua.Coordinator.Launch;

/// <summary>A server that passed every check, ready to be started with execve.</summary>
/// <param name="Program">Absolute path to give to execve: the program, or the script, as the user named it.</param>
/// <param name="Arguments">argv, argv[0] as the user typed it.</param>
/// <param name="Executable">Absolute path of the ELF program that the kernel will run: the program itself, or a script's interpreter.</param>
/// <param name="Library">Absolute path of libmvedsua.so, to stand first in LD_PRELOAD.</param>
public sealed record LaunchPlan(string Program, IReadOnlyList<string> Arguments, string Executable, string Library);

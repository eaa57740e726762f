using Mvedsua.Abi.Elf;
using Mvedsua.Update.Debug;
using Mvedsua.Update.Descriptions;
using Mvedsua.Update.Elf;
using Mvedsua.Update.Linking;
using Mvedsua.Update.Resuming;
using Mvedsua.Update.Transfer;

namespace Mvedsua.Update;

/// <summary>One of the calls with which a new version begins.</summary>
/// <param name="Function">Its address.</param>
/// <param name="Arguments">At most six.</param>
public sealed record Step(ulong Function, IReadOnlyList<ulong> Arguments);

/// <summary>What an update did to a process, and how it is to go on.</summary>
/// <param name="Link">What became of the image and its variables.</param>
/// <param name="Transfer">How the state of changed types was carried over.</param>
/// <param name="Steps">Called one after the other.</param>
/// <param name="Exit">Address of exit(3): the step after them.</param>
/// <param name="HasStatus">The last step's result is the program's exit status; else it is 0.</param>
/// <param name="Threads">The other threads that begin anew.</param>
/// <param name="Inferred">A sentence for people that says where it goes on, when that was found and not told; else null.</param>
public sealed record UpdateOutcome(
    LinkResult Link, TransferReport Transfer, IReadOnlyList<Step> Steps, ulong Exit, bool HasStatus, IReadOnlyList<ThreadStart> Threads, string? Inferred = null);

/// <summary>
/// An update of which everything is known that the files show: what they show against it was refused in <see cref="Prepare"/>, before any
/// process was touched. <see cref="Apply"/> carries it out in a copy of the leader, once. Not safe for concurrent use.
/// </summary>
public sealed class PreparedUpdate : IDisposable
{
    private readonly TypedUpdate _types;
    private readonly ElfFile _newFile;
    private readonly Relinker _relinker;
    private readonly ThreadStarts _threads;
    private readonly MainLoop? _loop; // null: where it goes on is known

    private PreparedUpdate(TypedUpdate types, ElfFile newFile, Relinker relinker, ThreadStarts threads, MainLoop? loop) =>
        (_types, _newFile, _relinker, _threads, _loop) = (types, newFile, relinker, threads, loop);

    /// <summary>The system call or the point of the program's at which the copy is to be made; null: any of its points, or any call in which the main
    /// thread waits.</summary>
    public UpdatePoint? At => _types.Description.At;

    /// <summary>What the description says is to be done when the update fails.</summary>
    public Descriptions.FailurePolicy OnFailure => _types.Description.OnFailure;

    /// <summary>Compares two versions.</summary>
    /// <param name="image">Where the old version is in its process.</param>
    /// <param name="oldPath">The old version's file, or a link to it such as /proc/PID/exe.</param>
    /// <param name="newPath">The new version's file.</param>
    /// <param name="descriptionPath">The update description; null: none.</param>
    /// <exception cref="UpdateRefusedException">The update can't be made; the message says why, and what to do.</exception>
    public static PreparedUpdate Prepare(LinkedImage image, string oldPath, string newPath, string? descriptionPath)
    {
        TypedUpdate? types = null;
        try
        {
            ElfFile oldFile = ElfFile.Read(oldPath), newFile = ElfFile.Read(newPath);
            types = TypedUpdate.Prepare(oldPath, newPath, descriptionPath);
            var isKnown = types.Description.Resume is not null || MainFunction.Resumes(newFile);
            if (!isKnown && types.Description.At is { IsPoint: true })
                throw MainLoop.NotKnown(newPath, "it is found in a system call in which the main thread waits, and the description wants the update at a point of the program's");
            var threads = new ThreadStarts(oldFile, image, newFile, types.Description.Threads);
            var relinker = Relinker.Prepare(image, oldFile, newFile, types.Options);
            return new PreparedUpdate(types, newFile, relinker, threads, isKnown ? null : new MainLoop(image, oldFile, newFile, types, relinker.Match));
        }
        catch (Exception e)
        {
            types?.Dispose();
            if (e is ElfException or IOException or UnauthorizedAccessException) throw new UpdateRefusedException(e.Message, e);
            throw;
        }
    }

    /// <summary>Makes a process that stands still one of the new version. When it throws, the process is good for nothing any more.</summary>
    /// <exception cref="UpdateRefusedException">It can't be done, or the process has ended on the way.</exception>
    public UpdateOutcome Apply(IUpdatedProcess process)
    {
        var loop = _loop?.Find(process); // first of all: nothing was changed yet if there is none
        var link = _relinker.Apply(process);
        var transfer = _types.Carry(link, process);
        var exit = new LoadedLibraries(process, link.Image.DynamicSection).Find("exit", null) ?? throw new UpdateRefusedException("the process has no exit(3): is it linked with a C library?");
        if (loop is not null)
            return new UpdateOutcome(link, transfer, [loop.Step(link, transfer)], exit, loop.HasStatus, _threads.Of(process.Threads, link.Image), loop.Text);
        var (step, hasStatus) = _types.Description.Resume is { } resume
            ? (new Step(link.Image.Base + resume.Function.Address, CallValues.Of(resume, link.Image, _newFile, process)), resume.Function.Type.Result.Bare is not VoidType)
            : (MainFunction.Step(_newFile, link.Image, process), true);
        return new UpdateOutcome(link, transfer, [step], exit, hasStatus, _threads.Of(process.Threads, link.Image));
    }

    /// <inheritdoc/>
    public void Dispose() => _types.Dispose();
}

using System.Text.Json;
using System.Text.Json.Serialization;
using Mvedsua.Abi.Elf;
using Mvedsua.Update.Elf;

namespace Mvedsua.Update.Linking;

/// <summary>An image in the process.</summary>
/// <param name="Path">Its file.</param>
/// <param name="BuildId">The file's build id when it was linked; null when it had none.</param>
/// <param name="Base">What is added to addresses as linked.</param>
/// <param name="Start">First address.</param>
/// <param name="End">First address behind it.</param>
/// <param name="Stamp">The file's when it was linked; null when that isn't known.</param>
public sealed record ImageRange(string Path, string? BuildId, ulong Base, ulong Start, ulong End, FileStamp? Stamp = null)
{
    /// <summary>Whether the file is known to be the one that was linked: untouched since or, if it has a build id, with the same one. Costs little: it may
    /// be asked while a process stands still. One without a build id that was copied over itself is not known any more.</summary>
    public bool IsStill()
    {
        try
        {
            return (Stamp is { } stamp && FileStamp.Of(Path) == stamp) || (BuildId is not null && ElfImage.Read(Path).BuildId == BuildId);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ElfException or DllNotFoundException)
        {
            return false;
        }
    }

    internal static ImageRange Of(ElfFile file, ulong baseAddress) =>
        new(file.Path, file.BuildId, baseAddress, baseAddress + file.Extent.Start, baseAddress + file.Extent.End, file.Stamp);
}

/// <summary>A symbol that lives in the image of an earlier version.</summary>
/// <param name="Index">Its number in the file's symbol table.</param>
/// <param name="Address">Where it is in the process.</param>
public sealed record PlacedSymbol(int Index, ulong Address);

/// <summary>The entry of a function in the image of an earlier version: what function pointers hold, whatever version runs.</summary>
/// <param name="Unit">Source file of a local function; empty for an exported one.</param>
/// <param name="Name">The function's name.</param>
/// <param name="Address">The entry.</param>
/// <param name="Jump">Where the five bytes of the jump to the running version stand: at the entry or, if that has no room, near it;
/// 0 when the function is so short that its code was left, being the same in both versions.</param>
public sealed record FunctionEntry(string Unit, string Name, ulong Address, ulong Jump);

/// <summary>A library's variable that lives in the image of some version, to which the dynamic linker bound the libraries too.</summary>
/// <param name="Name">The name that the library exports.</param>
/// <param name="Address">Where it is.</param>
public sealed record CopiedVariable(string Name, ulong Address);

/// <summary>
/// Where everything of a version is in a process: what the next update starts from. The first version, which the system's loader
/// loaded, is <see cref="First"/>; each update yields the next. A value without references to the process; it can be kept as JSON.
/// </summary>
public sealed class LinkedImage
{
    /// <summary>The version's file.</summary>
    [JsonIgnore]
    public string Path => Images[^1].Path;

    /// <summary>The file's build id when it was linked; null when it had none.</summary>
    [JsonIgnore]
    public string? BuildId => Images[^1].BuildId;

    /// <summary>What is added to addresses as linked.</summary>
    [JsonIgnore]
    public ulong Base => Images[^1].Base;

    /// <summary>Address of the first version's dynamic section, through which the dynamic linker's list of libraries is found.</summary>
    public required ulong DynamicSection { get; init; }

    /// <summary>Where the first version's template of thread-locals stands, from which new threads get theirs; 0 without one.</summary>
    public required ulong ThreadLocalTemplate { get; init; }

    /// <summary>The images of all versions so far, the first one first, this one last.</summary>
    public required IReadOnlyList<ImageRange> Images { get; init; }

    /// <summary>The symbols of this version that live in an earlier image.</summary>
    public IReadOnlyList<PlacedSymbol> Elsewhere { get; init; } = [];

    /// <summary>Function entries in earlier images, also those of functions that this version does not have.</summary>
    public IReadOnlyList<FunctionEntry> Entries { get; init; } = [];

    /// <summary>Libraries' variables that live in an image, also those that this version does not name.</summary>
    public IReadOnlyList<CopiedVariable> Copies { get; init; } = [];

    /// <summary>The image that the system's loader made of a file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="baseAddress">What the loader added to addresses as linked.</param>
    public static LinkedImage First(ElfFile file, ulong baseAddress)
    {
        return new LinkedImage
        {
            DynamicSection = file.Segments.FirstOrDefault(s => s.Type == ElfLayout.Dynamic) is { } d ? baseAddress + d.Address : 0,
            ThreadLocalTemplate = file.ThreadLocals is { } t ? baseAddress + t.Address : 0,
            Images = [ImageRange.Of(file, baseAddress)],
            Copies = [.. file.DynamicRelocations.Where(r => r.Type == RelocationType.Copy)
                .Select(r => new CopiedVariable(file.DynamicSymbols[r.Symbol].Name, baseAddress + r.Offset))],
        };
    }

    /// <summary>Where a symbol of this version is in the process: the address that pointers to it hold.</summary>
    public ulong AddressOf(ElfSymbol symbol) => _places.Value.GetValueOrDefault(symbol.Index, Base + symbol.Value);

    private readonly Lazy<Dictionary<int, ulong>> _places;

    /// <summary>An empty one; all required members are to be set.</summary>
    public LinkedImage() => _places = new(() => Elsewhere.ToDictionary(p => p.Index, p => p.Address));

    /// <summary>As JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, LinkedImageJson.Default.LinkedImage);

    /// <summary>From JSON.</summary>
    /// <exception cref="JsonException">It isn't the JSON of an image.</exception>
    public static LinkedImage FromJson(string json) =>
        JsonSerializer.Deserialize(json, LinkedImageJson.Default.LinkedImage) is { Images.Count: > 0 } image ? image : throw new JsonException("no image");
}

[JsonSerializable(typeof(LinkedImage))]
internal sealed partial class LinkedImageJson : JsonSerializerContext;

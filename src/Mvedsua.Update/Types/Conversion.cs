using Mvedsua.Update.Descriptions;

namespace Mvedsua.Update.Types;

/// <summary>
/// What is done for a part of an object of a pair of types. <see cref="From"/> and <see cref="To"/> are its places, in bytes from the
/// beginning of the old and the
/// new object. Bytes that no conversion writes are zero in a new object.
/// </summary>
/// <param name="From">Place in the old object.</param>
/// <param name="To">Place in the new object.</param>
/// <param name="Path">For people: <c>struct entry.next</c>.</param>
public abstract record Conversion(ulong From, ulong To, string Path);

/// <summary>Bytes that mean the same in both.</summary>
public sealed record CopyBytes(ulong From, ulong To, string Path, ulong Size) : Conversion(From, To, Path);

/// <summary>A pointer whose target's types are known.</summary>
/// <param name="Target">Of the objects that it points to.</param>
/// <param name="Length">How many there are, over the fields of the struct that stands at <paramref name="Record"/>; null: as many as the
/// allocator gave room for.</param>
/// <param name="Record">Where the struct of the field begins in the old object.</param>
public sealed record FollowPointer(ulong From, ulong To, string Path, TypePair Target, Expression? Length, ulong Record)
    : Conversion(From, To, Path);

/// <summary>A pointer of which nothing is known: its value is copied, and refused when it points to an object that moves.</summary>
/// <param name="Target">What it would point to when it is valid (a member of a union); null for void *.</param>
public sealed record OpaquePointer(ulong From, ulong To, string Path, TypePair? Target) : Conversion(From, To, Path);

/// <summary>A number of another form; a value that the new form can't hold is refused.</summary>
public sealed record ConvertNumber(ulong From, ulong To, string Path, NumberForm Old, NumberForm New) : Conversion(From, To, Path);

/// <summary>An enumeration whose names have other values now.</summary>
/// <param name="Values">Old value to new value; a value that isn't there is refused.</param>
public sealed record Renumber(ulong From, ulong To, string Path, NumberForm Old, NumberForm New, IReadOnlyDictionary<Int128, Int128> Values)
    : Conversion(From, To, Path);

/// <summary>A struct, union or array that stands in another by value.</summary>
public sealed record ConvertPart(ulong From, ulong To, string Path, TypePair Pair) : Conversion(From, To, Path);

/// <summary>Elements of an array.</summary>
/// <param name="Pair">Of one element.</param>
/// <param name="Count">How many are converted.</param>
public sealed record ConvertElements(ulong From, ulong To, string Path, TypePair Pair, ulong Count) : Conversion(From, To, Path);

/// <summary>The array of unknown length at the end of a struct.</summary>
/// <param name="Pair">Of one element.</param>
/// <param name="Length">As of <see cref="FollowPointer"/>.</param>
/// <param name="Record">Where its struct begins.</param>
public sealed record ConvertTail(ulong From, ulong To, string Path, TypePair Pair, Expression? Length, ulong Record)
    : Conversion(From, To, Path);

/// <summary>Bytes that the new version has no room for: they must be zero.</summary>
/// <param name="EndsText">A character array: only those before its first zero count.</param>
public sealed record MustBeZero(ulong From, string Path, ulong Size, bool EndsText, ulong TextStart) : Conversion(From, 0, Path);

/// <summary>A union of which another field says which member is valid.</summary>
/// <param name="Record">Where the struct with that field begins.</param>
public sealed record ChooseMember(ulong From, ulong To, string Path, IReadOnlyList<MemberCase> Cases, ulong Record) : Conversion(From, To, Path);

/// <summary>A member of a union, when it is valid, and what is done then.</summary>
public sealed record MemberCase(string Member, Expression Condition, IReadOnlyList<Conversion> Conversions);

/// <summary>A field that the description gives a value. <see cref="Conversion.From"/> is where its struct begins in the old object.</summary>
public sealed record SetValue(ulong From, ulong To, string Path, NumberForm Form, Expression Value) : Conversion(From, To, Path);

/// <summary>A function of the author's is called with the old and the new object, when all is converted.</summary>
public sealed record CallFunction(ulong From, ulong To, string Path, string Function) : Conversion(From, To, Path);

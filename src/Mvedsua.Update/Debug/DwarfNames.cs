namespace Mvedsua.Update.Debug;

/// <summary>DW_TAG_…, DWARF 5 section 7.5.3.</summary>
internal enum DwTag
{
    ArrayType = 0x01, EnumerationType = 0x04, FormalParameter = 0x05, LexicalBlock = 0x0b, Member = 0x0d,
    PointerType = 0x0f, StructureType = 0x13, SubroutineType = 0x15, Typedef = 0x16, UnionType = 0x17,
    UnspecifiedParameters = 0x18, SubrangeType = 0x21, BaseType = 0x24, ConstType = 0x26, Enumerator = 0x28,
    InlinedSubroutine = 0x1d, Subprogram = 0x2e, Variable = 0x34, VolatileType = 0x35, RestrictType = 0x37, AtomicType = 0x47,
    CallSite = 0x48, CallSiteParameter = 0x49, GnuCallSite = 0x4109, GnuCallSiteParameter = 0x410a,
}

/// <summary>DW_AT_…, section 7.5.4.</summary>
internal enum DwAt : uint
{
    Location = 0x02, Name = 0x03, ByteSize = 0x0b, BitOffset = 0x0c, BitSize = 0x0d, ConstValue = 0x1c,
    UpperBound = 0x2f, Count = 0x37, MemberLocation = 0x38, DeclLine = 0x3b, DeclColumn = 0x39,
    CallingConvention = 0x36, Declaration = 0x3c, Encoding = 0x3e, External = 0x3f, FrameBase = 0x40, Type = 0x49, DataBitOffset = 0x6b,
    LowPc = 0x11, CallReturnPc = 0x7d, CallValue = 0x7e, GnuCallSiteValue = 0x2111,
}

/// <summary>DW_FORM_…, section 7.5.6: those that say how a constant is to be read.</summary>
internal enum DwForm : uint
{
    SignedData = 0x0d, ImplicitConst = 0x21,
}

/// <summary>DW_ATE_…, section 7.8.</summary>
internal enum DwEncoding
{
    Boolean = 2, ComplexFloat = 3, Float = 4, Signed = 5, SignedChar = 6, UnsignedChar = 8, Utf = 0x10,
}

/// <summary>DW_OP_…, section 7.7.1: those of static places, and of places in frames.</summary>
internal enum DwOp : byte
{
    Address = 0x03, Dereference = 0x06, Const1Unsigned = 0x08, Const4Unsigned = 0x0c, Const8Unsigned = 0x0e, Const8Signed = 0x0f, ConstUnsigned = 0x10,
    ConstSigned = 0x11, And = 0x1a, Minus = 0x1c, Negate = 0x1f, Plus = 0x22, PlusConstant = 0x23,
    Literal0 = 0x30, Literal31 = 0x4f, Register0 = 0x50, Register31 = 0x6f, BaseRegister0 = 0x70, BaseRegister31 = 0x8f,
    RegisterNumber = 0x90, FrameBase = 0x91, BaseRegisterNumber = 0x92, CallFrameAddress = 0x9c, StackValue = 0x9f, EntryValue = 0xa3, GnuEntryValue = 0xf3,
    ThreadLocal = 0x9b, AddressIndex = 0xa1, ConstantIndex = 0xa2, GnuThreadLocal = 0xe0,
    GnuAddressIndex = 0xfb, GnuConstantIndex = 0xfc,
}

/* Offsets for entry.S; asserted against the structs in thread.h. */
#ifndef MV_ENTRY_OFFSETS_H
#define MV_ENTRY_OFFSETS_H
#define MV_ROLE_OF_FOLLOWER   2
#define F_FLAGS               0
#define F_R15                 16
#define F_R14                 24
#define F_R13                 32
#define F_R12                 40
#define F_RBP                 48
#define F_RBX                 56
#define F_R10                 64
#define F_R9                  72
#define F_R8                  80
#define F_RDI                 88
#define F_RSI                 96
#define F_RDX                 104
#define F_RAX                 112
#define F_SITE                120
#define F_CONT                128
#define F_RSP                 136
#define F_SIZE                144
#define T_STACK_TOP           0
#define T_ATTENTION           8
#define T_DELIVER_MASK        16
#define T_RESUME              24
#define R_RAX                 0
#define R_RBX                 8
#define R_RCX                 16
#define R_RDX                 24
#define R_RSI                 32
#define R_RDI                 40
#define R_RBP                 48
#define R_RSP                 56
#define R_R8                  64
#define R_R9                  72
#define R_R10                 80
#define R_R12                 88
#define R_R13                 96
#define R_R14                 104
#define R_R15                 112
#define R_RIP                 120
#define R_FLAGS               136
#define T_RAW_DEPTH           168
#define T_RAW_CONT            176
#define T_CHILD_ON_NEW_STACK  240
#define T_CALL                244
#define T_PROGRAM_MASK        248
#define T_MASK_REPLACED       256
#define T_DELIVERING          260
#define T_ALTERNATE_MINUS_LOW 264
#define T_ALTERNATE_MINUS_END 272
#define MV_FLAG_DIRECTION     0x10000
#ifdef __ASSEMBLER__
#define MV_ATTEND_SIGNAL        1
#define MV_ATTEND_UNMASK        0x10000
#define MV_ATTENDED_DELIVER     1
#define MV_ATTENDED_ON_THE_SPOT 3
#endif
#endif

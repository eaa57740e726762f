# Sources of the rewriter, relative to the repository's root. They need the headers of native/zydis.sh OUTDIR
# (OUTDIR/include), MV_REWRITE_CFLAGS, and OUTDIR/libzydis.a at link time; native/shim/mem.c or libc supplies memcpy.
MV_REWRITE_SRC := $(addprefix native/shim/rewrite/,decode.c elf.c emit.c flow.c frames.c loose.c maps.c pool.c registry.c rewrite.c \
	scan.c segment.c vdso.c window.c)
MV_REWRITE_CFLAGS := -DZYDIS_STATIC_BUILD -DZYCORE_STATIC_BUILD -DZYAN_NO_LIBC -DZYDIS_MINIMAL_MODE \
	-DZYDIS_DISABLE_ENCODER -DZYDIS_DISABLE_FORMATTER

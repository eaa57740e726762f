# Sources of the event log, relative to the repository's root.
MV_LOG_SRC := $(addprefix native/shim/log/,chunks.c writer.c keep.c reader.c wait.c death.c)

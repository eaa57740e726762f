# SANITIZE=address: a suite's programs with AddressSanitizer and UndefinedBehaviorSanitizer, in a folder of their own.
# SANITIZE=undefined: without the former, for programs that rewrite their own code: its runtime does not survive that.
# Unaligned loads are meant: x86-64 code and the program's pointers have any alignment.
SANITIZER = -fsanitize=$(1) -fno-sanitize=alignment -fno-sanitize-recover=all -fno-omit-frame-pointer
comma := ,
ifdef SANITIZE
SANITIZED := $(call SANITIZER,undefined$(if $(filter address,$(SANITIZE)),$(comma)address))
VARIANT := sanitized-$(SANITIZE)/
endif

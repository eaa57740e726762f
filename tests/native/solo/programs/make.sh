. "$(dirname "$0")/lib.sh"
need gcc
mkdir src
for i in $(seq 1 8); do
    printf '#include <stdio.h>\nint f%d(int x) { static int seen; seen += x; return printf("%%d %%d\\n", seen, %d); }\n' "$i" "$i" >"src/f$i.c"
done
{ seq 1 8 | sed 's/.*/int f&(int);/'; echo 'int main(void) {'; seq 1 8 | sed 's/.*/f&(&);/'; echo 'return 0; }'; } >src/main.c
cat >Makefile <<'MAKE'
OBJECTS := $(patsubst src/%.c,%.o,$(sort $(wildcard src/*.c)))
program: $(OBJECTS) lib.a
	gcc -o $@ $(OBJECTS)
lib.a: $(OBJECTS)
	ar rcsD $@ $^
%.o: src/%.c
	@gcc -O2 -c -o $@ $<
	@echo "$(shell echo compiled) $<" >> log
MAKE
$RUN make -s -j2 program || say "make failed"
sort log
md5sum ./*.o lib.a program
./program
$RUN make -q program
say "up to date: $?"

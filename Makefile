# make demo and make test do everything on a fresh clone: packages, build, run.
# Products: out/libmvedsua.so (the shim), out/mvedsua (the command). Intermediate files: out/obj, out/dotnet.

ROOT   := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
OUT    := $(ROOT)/out
CONFIG := Release
# Build nodes that stay behind for the next build would outlive make, and be shared between clones.
DOTNET := DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 MSBUILDDISABLENODEREUSE=1 dotnet

# One target after the other: "test: setup all" installs before it builds. Sub-makes keep their -j.
.NOTPARALLEL:
.PHONY: all setup shim cli servers test demo demo-failover demo-update redis-demo test-long bench bench-quick bench-programs bench-check replicate drill lint clean help

all: shim cli

help:
	@echo 'make setup   install the Debian packages that the build, tests and demo need'
	@echo 'make all     build out/libmvedsua.so and out/mvedsua'
	@echo 'make servers build the sample server, all releases, into out/servers/kv'
	@echo 'make test    setup, all, native and .NET tests; last line: N passed, N failed, N skipped'
	@echo 'make test-long  the long forms of tests: Redis with 1,000,000 keys (some minutes)'
	@echo 'make demo    setup, all, servers; both demos, each under load:'
	@echo '             demo-failover: Redis with a follower; the leader is killed'
	@echo '             demo-update:   the sample server is updated, to 1.1, to a broken release, to 2.0'
	@echo 'make redis-demo  setup, all; builds two releases of Redis and updates one to the other under load'
	@echo 'make bench   setup, all, the measurements: some 35 minutes on two cores; tables, figures and a report in'
	@echo '             out/bench/last (BENCH="--seconds 60" shortens the figure of an update over time, which takes half of it)'
	@echo 'make bench-quick  the same in some 2 minutes, with fewer rounds'
	@echo 'make replicate    all experiments, each beside the figures of the papers'
	@echo 'make bench-check  the instructions of the shim on its hot paths, against bench/instructions.tsv (ACCEPT=1: accept them)'
	@echo 'make drill   setup, all, 10,000 kills under clients that know every answer (DRILL=--help)'
	@echo 'make lint    clang-format, clang-tidy, cppcheck'
	@echo 'make clean   remove out/'

setup:
	@sh .ci/setup.sh

shim:
	@mkdir -p $(OUT)
	$(MAKE) -C native/shim OUT=$(OUT)

# dotnet publish has its own up-to-date check; the copy is atomic, so that a running mvedsua is never overwritten.
cli:
	@mkdir -p $(OUT)
	$(DOTNET) publish src/Mvedsua.Cli -c $(CONFIG) -r linux-x64 -v quiet
	@cp $(OUT)/dotnet/publish/Mvedsua.Cli/release_linux-x64/mvedsua $(OUT)/mvedsua.new
	@mv $(OUT)/mvedsua.new $(OUT)/mvedsua

servers:
	$(MAKE) -s -C tests/servers/kv OUT=$(OUT)

test: setup all
	@sh tests/run-all.sh $(OUT)

# Tests that are skipped otherwise, and those alone.
test-long: setup all
	$(DOTNET) build tests/Mvedsua.Redis.Tests -c $(CONFIG) -v quiet
	MVEDSUA_LONG=1 $(OUT)/dotnet/bin/Mvedsua.Redis.Tests/release/Mvedsua.Redis.Tests --no-ansi --filter-trait Length=long

demo: demo-failover demo-update

demo-failover: setup all
	@sh tests/demo/redis-failover.sh $(OUT)

demo-update: setup all servers
	@sh tests/demo/kv-update.sh $(OUT)

# make redis-demo DEMO_KEYS=1000000: with so many keys; 50,000 without a word.
redis-demo: setup all
	@DEMO_KEYS=$(DEMO_KEYS) sh tests/demo/redis-update.sh $(OUT)

# make bench BENCH='failover idle --pin 0-1': those, so; the command is described in docs/benchmarking.md. The C# log reader: dotnet run -c Release --project bench/Mvedsua.Benchmarks
MEASURE := $(OUT)/dotnet/bin/Mvedsua.Replication/release/mvedsua-bench
bench: bench-programs
	@$(MEASURE) run $(BENCH)

bench-quick: bench-programs
	@$(MEASURE) run --quick $(BENCH)

replicate: bench-programs
	@$(MEASURE) run --all $(BENCH)

bench-programs: setup all servers
	@$(MAKE) -s -C bench/native OUT=$(OUT)
	@$(MAKE) -s -C tests/native/log programs OUT=$(OUT)
	$(DOTNET) build bench/Mvedsua.Replication -c $(CONFIG) -v quiet

# make bench-check ACCEPT=1: what is counted now is what is expected from then on. docs/bench-instructions.md
bench-check: setup all
	@$(MAKE) -s -C bench/native OUT=$(OUT)
	@$(DOTNET) run -c $(CONFIG) --project bench/Mvedsua.InstructionCheck -- $(if $(ACCEPT),--accept) $(OUT)

# make drill DRILL='--kills 500 --seed 7 --server redis'; a failure prints the command that repeats its session.
drill: setup all
	$(DOTNET) run -c $(CONFIG) --project tests/Mvedsua.Drill -- $(DRILL)

lint: shim
	@$(MAKE) -s -C tests/native/lint check OUT=$(OUT)

clean:
	rm -rf $(OUT)

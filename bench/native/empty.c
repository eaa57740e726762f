/* A library with nothing in it: what LD_PRELOAD alone costs. */
extern const char mvedsua_bench_empty;
const char mvedsua_bench_empty = 0;

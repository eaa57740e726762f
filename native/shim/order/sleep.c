/* Sleeping and waking within a follower: futex(2), FUTEX_WAIT_BITSET, private. */
#include "../roles/roles.h"
#include "order.h"

/* Not at all if the word is another already. One of `bits` is to be among the waker's. */
void mv_order_sleep(uint32_t *word, uint32_t value, uint32_t bits) {
    uint64_t until = mv_now() + 200000;
    const int64_t limit[2] = {(int64_t)(until / 1000000000), (int64_t)(until % 1000000000)};
    mv_sys6(__NR_futex, (long)word, 137 /* WAIT_BITSET, private */, value, (long)limit, 0, (long)bits);
}

void mv_order_wake(uint32_t *word, uint32_t bits) {
    mv_sys6(__NR_futex, (long)word, 138 /* WAKE_BITSET, private */, 0x7fffffff, 0, 0, (long)bits);
}

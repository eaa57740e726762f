/* Wrong conversions for the update to 2.0. In the descriptions that the Makefile makes, each takes the place
 * of the right function for its type (rules/kv/1.0-2.0/convert.c).
 */
#include <stdlib.h>

/* A description names one file. */
#include "convert.c" /* NOLINT(bugprone-suspicious-include) */

void entry_crashes(const void *from, void *to);
void entry_hangs(const void *from, void *to);
void entry_frees(const void *from, void *to);
void entry_shortens(const void *from, void *to);
void table_forgets(const void *from, void *to);

/* For a text that does not exist. */
static struct entry_1_0 *volatile nobody;

void entry_crashes(const void *from, void *to) {
    (void)from;
    ((struct entry *)to)->value.text = nobody->value;
}

void entry_hangs(const void *from, void *to) {
    volatile size_t size = ((const struct entry_1_0 *)from)->key_size;
    while (size > 0) {
    }
    ((struct entry *)to)->text_size = 0;
}

/* The text belongs to both objects, and is given back with the old one: what comes next to that place is seen
 * as the value. */
void entry_frees(const void *from, void *to) {
    entry_converted(from, to);
    free(((const struct entry_1_0 *)from)->value);
}

/* The size counted no NUL in 1.0 either. */
void entry_shortens(const void *from, void *to) {
    entry_converted(from, to);
    ((struct entry *)to)->text_size--;
}

/* Each slot stays where it was, though a bucket is found by the hash alone: keys that were pushed aside are
 * not found any more. */
void table_forgets(const void *from, void *to) {
    (void)from;
    (void)to;
}

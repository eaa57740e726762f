/* Pieces of text within a buffer: not ended by a NUL, owned by whoever owns the buffer.
 */
#ifndef KV_TEXT_H
#define KV_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
    const char *bytes;
    size_t size;
};

/* Cuts the first word off, and the one space behind it: what is left begins at the next word, or is empty. */
struct text text_cut_word(struct text *line);

bool text_equals(struct text text, const char *string);

bool text_begins_with(struct text text, struct text prefix);

/* A whole decimal number, with a sign if it is negative, between lowest and highest; false: it is none. */
bool text_number(struct text text, long long lowest, long long highest, long long *number);

#endif

#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct text text_cut_word(struct text *line) {
    const char *space = memchr(line->bytes, ' ', line->size);
    size_t size = space ? (size_t)(space - line->bytes) : line->size;
    struct text word = {line->bytes, size};
    size_t cut = space ? size + 1 : size;
    *line = (struct text){line->bytes + cut, line->size - cut};
    return word;
}

bool text_equals(struct text text, const char *string) {
    return strlen(string) == text.size && memcmp(text.bytes, string, text.size) == 0;
}

bool text_begins_with(struct text text, struct text prefix) {
    return text.size >= prefix.size && memcmp(text.bytes, prefix.bytes, prefix.size) == 0;
}

bool text_number(struct text text, long long lowest, long long highest, long long *number) {
    char copy[24];
    if (text.size == 0 || text.size >= sizeof copy || !strchr("-0123456789", text.bytes[0]) || !text.bytes[0])
        return false;
    memcpy(copy, text.bytes, text.size);
    copy[text.size] = '\0';
    char *end = NULL;
    errno = 0;
    long long value = strtoll(copy, &end, 10);
    if (errno || end != copy + text.size || value < lowest || value > highest)
        return false;
    *number = value;
    return true;
}

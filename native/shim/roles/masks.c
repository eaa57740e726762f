/* Differences in outgoing bytes that mean nothing: which these are is data (masks.tbl), not code.
 *
 * A reply that differs is compared again line by line; a line may differ where both sides begin with the
 * same masked field and a colon, and the length that announces such a text (RESP: $N) may differ with it. */
#include "../calls/guard.h"
#include "../calls/payload.h"
#include "roles.h"

static const char *const fields[] = {
#define MV_MASK(name) name,
#define MV_MASK_BLOCK(first, last)
#include "masks.tbl"
#undef MV_MASK
#undef MV_MASK_BLOCK
};

/* Runs of lines, by the first bytes of the first and the last one. */
static const struct {
    const char *first, *last;
} blocks[] = {
#define MV_MASK(name)
#define MV_MASK_BLOCK(first, last) {first, last},
#include "masks.tbl"
#undef MV_MASK
#undef MV_MASK_BLOCK
};

/* A position in the bytes of one side, which may stand in several segments. */
struct side {
    const struct mv_segment *segments; /* the follower's */
    const uint8_t *payload, *end;      /* the leader's */
    int count, index;
    const uint8_t *at;
    uint32_t left;
};

static int next_byte(struct side *side) {
    while (!side->left) {
        if (side->segments) {
            if (side->index >= side->count)
                return -1;
            side->at = side->segments[side->index].addr;
            side->left = side->segments[side->index++].len;
        } else {
            const struct mv_payload_segment *header = (const struct mv_payload_segment *)side->payload;
            if (side->end - side->payload < (long)sizeof *header ||
                side->end - side->payload < (long)MV_PAYLOAD_SPAN(header->length))
                return -1;
            side->at = (const uint8_t *)(header + 1);
            side->left = header->length;
            side->payload += MV_PAYLOAD_SPAN(header->length);
        }
    }
    uint8_t byte = 0; /* as mv_payload_write publishes what can't be read */
    mv_guard_copy(&byte, side->at++, 1);
    side->left--;
    return byte;
}

#define LINE 512
/* Reads up to a newline (included) or LINE bytes; the length, 0 at the end. */
static int line(struct side *side, char *to) {
    int n = 0;
    while (n < LINE) {
        int byte = next_byte(side);
        if (byte < 0)
            break;
        to[n++] = (char)byte;
        if (byte == '\n')
            break;
    }
    return n;
}

/* The length of `name` when `text` begins with it, else 0. */
static int prefix(const char *text, int n, const char *name) {
    int i = 0;
    for (; name[i]; i++)
        if (i >= n || text[i] != name[i])
            return 0;
    return i;
}

static int begins(const char *text, int n, const char *name) {
    int length = prefix(text, n, name);
    return length && length < n && text[length] == ':';
}

/* Reads past the last line of a block; the bytes read. */
static long skip(struct side *side, const char *last) {
    char text[LINE];
    long bytes = 0;
    for (int n = line(side, text); n; n = line(side, text)) {
        bytes += n;
        if (prefix(text, n, last))
            break;
    }
    return bytes;
}

static int masked(const char *a, int an, const char *b, int bn) {
    for (unsigned i = 0; i < sizeof fields / sizeof *fields; i++)
        if (begins(a, an, fields[i]) && begins(b, bn, fields[i]))
            return 1;
    return 0;
}

static int announces(const char *text, int n) {
    if (n < 3 || (text[0] != '$' && text[0] != '='))
        return 0;
    for (int i = 1; i < n && text[i] != '\r' && text[i] != '\n'; i++)
        if (text[i] < '0' || text[i] > '9')
            return 0;
    return 1;
}

/* The number of bytes that the follower's call is told to have written, or -1: they differ in earnest. The
 * leader must have written all of its own; a part can't be mapped to a part of ours. */
long mv_mask_equal(const struct mv_event *event, const struct mv_segment *segments, int count) {
    struct side leader = {.payload = (const uint8_t *)(event + 1),
                          .end = (const uint8_t *)(event + 1) + event->in_size};
    struct side own = {.segments = segments, .count = count};
    char a[LINE], b[LINE];
    int masks = 0, lengths = 0;
    long leader_bytes = 0, own_bytes = 0;
    for (;;) {
        int an = line(&leader, a), bn = line(&own, b);
        leader_bytes += an;
        own_bytes += bn;
        if (!an && !bn)
            break;
        for (unsigned i = 0; i < sizeof blocks / sizeof *blocks; i++)
            if (prefix(a, an, blocks[i].first) && prefix(b, bn, blocks[i].first)) {
                leader_bytes += skip(&leader, blocks[i].last);
                own_bytes += skip(&own, blocks[i].last);
                masks++;
            }
        int equal = an == bn;
        for (int i = 0; equal && i < an; i++)
            equal = a[i] == b[i];
        if (equal)
            continue;
        if (masked(a, an, b, bn))
            masks++;
        else if (announces(a, an) && announces(b, bn))
            lengths++;
        else
            return -1;
    }
    if (!masks || (lengths > masks) || event->result != leader_bytes)
        return -1;
    return own_bytes;
}

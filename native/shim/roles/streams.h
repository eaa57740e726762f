/* Stream descriptors as a follower accounts for them; see streams.c. */
#ifndef MV_STREAMS_H
#define MV_STREAMS_H

#include <stdint.h>

#define MV_STREAMS 65536u /* descriptors beyond are not accounted for */

enum mv_stream_kind {
    MV_STREAM_UNKNOWN = 0,  /* not open, or not a kind whose calls can be settled */
    MV_STREAM_TCP = 1,      /* in, out: bytes that the program took and gave */
    MV_STREAM_FILE = 2,     /* out: position */
    MV_STREAM_APPENDED = 3, /* out: size (O_APPEND) */
    MV_STREAM_EVENTFD = 4,  /* out: its sum */
    MV_STREAM_SIGNALS = 5   /* signalfd */
};

struct mv_stream {
    uint32_t kind;
    uint32_t same;   /* a duplicate: 1 + the number whose account this is */
    uint32_t copies; /* how many numbers say so of this one */
    uint16_t open;
    uint16_t early; /* how often it was opened again before the close was replayed, by another thread */
    uint64_t in, out;
};

struct mv_stream *mv_stream_of(int64_t fd); /* NULL: not accounted for */
int mv_stream_is_shared(int64_t fd);        /* does a close leave a duplicate, or what was opened since? */
int mv_stream_is_open(int64_t fd);
int mv_stream_is_signals(int64_t fd);
void mv_streams_watch(void);
int mv_streams_have_signals(void);
int mv_streams_have_room(void);
void mv_streams_look_at_childrens(void);
int32_t mv_streams_end(void);   /* above every number that any record or look has told of */
uint32_t mv_streams_mask(void); /* the mask of new files */
void mv_streams_start(int beside);

/* By calls that are replayed (stream_calls.c): `over`: `copy` was another stream's number until then. */
void mv_stream_opened(int64_t fd, enum mv_stream_kind kind, uint64_t out);
void mv_stream_closed(int64_t fd);
void mv_stream_duplicated(int64_t fd, int64_t copy, int over);
void mv_stream_moved(int64_t fd, int inwards, uint64_t bytes);
void mv_streams_mask_is(uint32_t set);
void mv_streams_replayed(uint32_t call, const uint64_t args[6], long result, uint64_t stamp);

int mv_stream_tcp_now(int fd, uint64_t *in, uint64_t *out);
int mv_stream_file_now(int fd, int append, uint64_t *position);

/* How many of these bytes a write put into a regular file, between two positions (written.c). */
uint64_t mv_stream_written(int fd, const uint8_t *bytes, uint64_t size, uint64_t from, uint64_t to);

/* `fd`, which has just been looked at, is one open file with `first`. */
void mv_stream_join(int32_t fd, int32_t first);
void mv_streams_unite(void);         /* duplicates.c */
void mv_stream_received(int32_t fd); /* over a socket */

/* eventfds.c */
int mv_eventfd_now(int fd, uint64_t *sum);
void mv_eventfd_replayed(struct mv_stream *stream, int inwards, uint64_t value_at);
void mv_eventfd_settled(struct mv_stream *stream, uint64_t value_at);
int mv_eventfd_written(int fd, uint64_t value);

#endif

/* The protocols of check-load. */
#include "check-load.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static size_t print(char *to, size_t size, const char *format, va_list arguments) {
    int length = vsnprintf(to, size, format, arguments);
    return length < 0 || (size_t)length >= size ? 0 : (size_t)length;
}

__attribute__((format(printf, 2, 3))) static void ask(struct exchange *x, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    x->request_length = print(x->request, sizeof x->request, format, arguments);
    va_end(arguments);
}

__attribute__((format(printf, 2, 3))) static void expect(struct exchange *x, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    x->expected_length = print(x->expected, sizeof x->expected, format, arguments);
    va_end(arguments);
}

/* Its length changes from request to request; returned. */
static int value_of(const struct client *c, char value[128]) {
    return snprintf(value, 128, "value %d.%llu %0*d", c->number, (unsigned long long)c->counter,
                    (int)(c->counter % 64), c->number);
}

/* INCR of a counter of its own (the answer must be one more than the last: a call that was lost or made twice
 * shows), SET of its own key to a text made from the counter, GET of that key. */
static void redis(struct client *c, int step, struct exchange *x) {
    char value[128];
    int size = value_of(c, value);
    switch (step) {
    case 0: /* one that is left from an earlier run would look like a lost call */
        ask(x, "DEL check:n:%d\r\n", c->number);
        expect(x, ":" ANY_NUMBER "\r\n");
        return;
    case 1:
        c->counter++;
        ask(x, "INCR check:n:%d\r\n", c->number);
        expect(x, ":%llu\r\n", (unsigned long long)c->counter);
        return;
    case 2:
        ask(x, "*3\r\n$3\r\nSET\r\n$11\r\ncheck:v:%03d\r\n$%d\r\n%s\r\n", c->number, size, value);
        expect(x, "+OK\r\n");
        return;
    default:
        ask(x, "GET check:v:%03d\r\n", c->number);
        expect(x, "$%d\r\n%s\r\n", size, value);
        return;
    }
}

static void memcached(struct client *c, int step, struct exchange *x) {
    char value[128];
    int size = value_of(c, value);
    switch (step) {
    case 0:
        ask(x, "set check:n:%d 0 0 1\r\n0\r\n", c->number);
        expect(x, "STORED\r\n");
        return;
    case 1:
        c->counter++;
        ask(x, "incr check:n:%d 1\r\n", c->number);
        expect(x, "%llu\r\n", (unsigned long long)c->counter);
        return;
    case 2:
        ask(x, "set check:v:%d 7 0 %d\r\n%s\r\n", c->number, size, value);
        expect(x, "STORED\r\n");
        return;
    default:
        ask(x, "get check:v:%d\r\n", c->number);
        expect(x, "VALUE check:v:%d 7 %d\r\n%s\r\nEND\r\n", c->number, size, value);
        return;
    }
}

/* Each client of each run has a tube of its own: a job that is lost or delivered twice shows, and those that
 * an earlier run left are in nobody's way. */
static void beanstalkd(struct client *c, int step, struct exchange *x) {
    char value[128];
    int size = value_of(c, value);
    switch (step) {
    case 0:
        ask(x, "use check%d.%d\r\n", (int)getpid(), c->number);
        expect(x, "USING check%d.%d\r\n", (int)getpid(), c->number);
        return;
    case 1:
        ask(x, "watch check%d.%d\r\n", (int)getpid(), c->number);
        expect(x, "WATCHING 2\r\n");
        return;
    case 2:
        ask(x, "ignore default\r\n");
        expect(x, "WATCHING 1\r\n");
        return;
    case 3:
        c->counter++;
        size = value_of(c, value);
        ask(x, "put 0 0 60 %d\r\n%s\r\n", size, value);
        expect(x, "INSERTED " ANY_NUMBER "\r\n");
        return;
    case 4:
        ask(x, "reserve\r\n");
        expect(x, "RESERVED %llu %d\r\n%s\r\n", (unsigned long long)c->captured, size, value);
        return;
    default:
        ask(x, "delete %llu\r\n", (unsigned long long)c->captured);
        expect(x, "DELETED\r\n");
        return;
    }
}

/* The sample server, by commands that releases 1.0 to 2.0 know: PUT a text, APPEND to it (its size: one made
 * twice shows), DEL it, and GET each time. */
static void kv(struct client *c, int step, struct exchange *x) {
    static const char more[] = " and more";
    char value[128];
    if (step == 0)
        c->counter++;
    int size = value_of(c, value);
    switch (step) {
    case 0:
        ask(x, "PUT check:%d %s\n", c->number, value);
        expect(x, "OK\n");
        return;
    case 1:
        ask(x, "GET check:%d\n", c->number);
        expect(x, "VALUE %s\n", value);
        return;
    case 2:
        ask(x, "APPEND check:%d %s\n", c->number, more);
        expect(x, "SIZE %d\n", size + (int)sizeof more - 1);
        return;
    case 3:
        ask(x, "GET check:%d\n", c->number);
        expect(x, "VALUE %s%s\n", value, more);
        return;
    case 4:
        ask(x, "DEL check:%d\n", c->number);
        expect(x, "OK\n");
        return;
    default:
        ask(x, "GET check:%d\n", c->number);
        expect(x, "NONE\n");
        return;
    }
}

/* The file /check holds the alphabet, over and over, 4096 bytes. */
static void http(struct client *c, int step, struct exchange *x) {
    enum { BODY = 4096 };
    char body[BODY + 1];
    (void)step;
    for (int i = 0; i < BODY; i++)
        body[i] = (char)('a' + i % 26);
    body[BODY] = 0;
    c->counter++;
    ask(x, "GET /check HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    expect(x, "HTTP/1.1 200 OK\r\n" ANY_HEADER "%s", body);
}

static const struct protocol protocols[] = {{"redis", 1, 4, redis},
                                            {"memcached", 1, 4, memcached},
                                            {"beanstalkd", 3, 6, beanstalkd},
                                            {"http", 0, 1, http},
                                            {"kv", 0, 6, kv}};

const struct protocol *protocol_of(const char *name) {
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
        if (!strcmp(name, protocols[i].name))
            return &protocols[i];
    return NULL;
}

/* The end of the part of got that a wild card stands for; 0: it has not all arrived. */
static size_t end_of_number(const char *got, size_t at, size_t length, uint64_t *captured) {
    *captured = 0;
    for (; at < length && got[at] >= '0' && got[at] <= '9'; at++)
        *captured = *captured * 10 + (uint64_t)(got[at] - '0');
    return at < length ? at : 0;
}
static size_t end_of_header(const char *got, size_t at, size_t length) {
    for (; at + 4 <= length; at++)
        if (!memcmp(got + at, "\r\n\r\n", 4))
            return at + 4;
    return 0;
}

enum match match_answer(const struct exchange *x, const char *got, size_t length, uint64_t *captured) {
    size_t at = 0;
    for (size_t i = 0; i < x->expected_length; i++) {
        if (x->expected[i] == *ANY_NUMBER || x->expected[i] == *ANY_HEADER) {
            at = x->expected[i] == *ANY_NUMBER ? end_of_number(got, at, length, captured)
                                               : end_of_header(got, at, length);
            if (!at)
                return MATCH_PARTIAL;
            continue;
        }
        if (at == length)
            return MATCH_PARTIAL;
        if (got[at++] != x->expected[i])
            return MATCH_WRONG;
    }
    return at == length ? MATCH_WHOLE : MATCH_WRONG;
}

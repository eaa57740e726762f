#include "command.h"

#include <limits.h>

#include "../base/loop.h"
#include "server.h"
#include "settings.h"
#include "store.h"
#include "worker.h"

enum { KEY_MOST = 250, VALUE_MOST = 1 << 29 };

/* Their numbers stay from release to release: new ones are added at the end. */
enum command_id {
    COMMAND_PUT,
    COMMAND_GET,
    COMMAND_DEL,
    COMMAND_APPEND,
    COMMAND_EXPIRE,
    COMMAND_TTL,
    COMMAND_COUNT,
    COMMAND_SCAN,
    COMMAND_STATS,
    COMMAND_CALLS,
    COMMAND_CONFIG,
    COMMAND_PING,
    COMMAND_VERSION,
    COMMAND_QUIT,
    COMMANDS
};

struct request {
    struct connection *connection;
    struct output *answer;
    struct text key, rest; /* the first word behind the command's name, and all behind it */
    int64_t now;
};

enum arguments { NO_ARGUMENT, MAYBE_KEY, KEY, KEY_AND_REST, KEY_AND_MAYBE_REST };

struct command {
    const char *name, *usage;
    enum command_id id;
    enum arguments arguments;
    void (*run)(struct request *request);
};

static pthread_mutex_t calls_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t calls[COMMANDS];

static void answer_ok(const struct request *request) {
    output_add(request->answer, (struct text){"OK\n", 3});
}

static void answer_none(const struct request *request) {
    output_add(request->answer, (struct text){"NONE\n", 5});
}

static void run_put(struct request *request) {
    struct place place = store_enter(server.store, request->key, request->now);
    store_put(server.store, &place, request->rest, setting(&settings.max_keys));
    store_leave(&place);
    answer_ok(request);
}

static void run_get(struct request *request) {
    struct place place = store_enter(server.store, request->key, request->now);
    const struct entry *entry = store_get(&place);
    if (entry) {
        output_add(request->answer, (struct text){"VALUE ", 6});
        output_add(request->answer, (struct text){entry->value, entry->value_size});
        output_add(request->answer, (struct text){"\n", 1});
    } else {
        answer_none(request);
    }
    store_leave(&place);
}

static void run_del(struct request *request) {
    struct place place = store_enter(server.store, request->key, request->now);
    struct entry *entry = store_peek(&place);
    if (entry) {
        store_delete(&place, entry);
        answer_ok(request);
    } else {
        answer_none(request);
    }
    store_leave(&place);
}

static void run_append(struct request *request) {
    struct place place = store_enter(server.store, request->key, request->now);
    struct entry *entry = store_peek(&place);
    if (entry && entry->value_size + request->rest.size > VALUE_MOST) {
        output_format(request->answer, "ERROR value too long\n");
    } else {
        size_t size = request->rest.size + (entry ? entry->value_size : 0);
        if (entry)
            store_append(&place, entry, request->rest);
        else
            store_put(server.store, &place, request->rest, setting(&settings.max_keys));
        output_format(request->answer, "SIZE %zu\n", size);
    }
    store_leave(&place);
}

static void run_expire(struct request *request) {
    long long time;
    if (!text_number(request->rest, 0, INT_MAX, &time)) {
        output_format(request->answer, "ERROR not a time in milliseconds\n");
        return;
    }
    struct place place = store_enter(server.store, request->key, request->now);
    struct entry *entry = store_peek(&place);
    if (entry) {
        entry->expires = time ? request->now + time : 0;
        answer_ok(request);
    } else {
        answer_none(request);
    }
    store_leave(&place);
}

static void run_ttl(struct request *request) {
    struct place place = store_enter(server.store, request->key, request->now);
    const struct entry *entry = store_peek(&place);
    if (!entry)
        answer_none(request);
    else if (entry->expires)
        output_format(request->answer, "TTL %lld\n", (long long)(entry->expires - request->now));
    else
        output_format(request->answer, "TTL never\n");
    store_leave(&place);
}

static void run_count(struct request *request) {
    output_format(request->answer, "COUNT %zu\n", store_count(server.store).keys);
}

static void answer_key(void *data, const struct entry *entry) {
    struct output *answer = data;
    output_add(answer, (struct text){"KEY ", 4});
    output_add(answer, (struct text){entry->key, entry->key_size});
    output_add(answer, (struct text){"\n", 1});
}

static void run_scan(struct request *request) {
    store_scan(server.store, request->key, setting(&settings.scan_limit), request->now, answer_key,
               request->answer);
    output_add(request->answer, (struct text){"END\n", 4});
}

static void run_stats(struct request *request) {
    struct store_totals totals = store_count(server.store);
    struct server_totals clients = server_count();
    const struct {
        const char *name;
        uint64_t value;
    } all[] = {
        {"keys", totals.keys},          {"bytes", totals.bytes},
        {"hits", totals.hits},          {"misses", totals.misses},
        {"evicted", totals.evicted},    {"expired", totals.expired},
        {"accepted", clients.accepted}, {"connections", clients.connections},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        output_format(request->answer, "STAT %s %llu\n", all[i].name, (unsigned long long)all[i].value);
    output_add(request->answer, (struct text){"END\n", 4});
}

static void run_config(struct request *request) {
    const long *field = setting_named(request->key);
    if (!field)
        answer_none(request);
    else if (request->rest.size == 0)
        output_format(request->answer, "CONFIG %.*s %ld\n", (int)request->key.size, request->key.bytes,
                      setting(field));
    else if (setting_change(field, request->rest))
        answer_ok(request);
    else
        output_format(request->answer, "ERROR value out of bounds\n");
}

static void run_ping(struct request *request) {
    output_add(request->answer, (struct text){"PONG\n", 5});
}

static void run_version(struct request *request) {
    output_format(request->answer, "VERSION %s\n", server_version);
}

static void run_quit(struct request *request) {
    answer_ok(request);
    request->connection->state = CONNECTION_ENDING;
}

static void run_calls(struct request *request);

/* In the order of their frequency. */
static const struct command commands[] = {
    {"GET", "GET key", COMMAND_GET, KEY, run_get},
    {"PUT", "PUT key value", COMMAND_PUT, KEY_AND_REST, run_put},
    {"DEL", "DEL key", COMMAND_DEL, KEY, run_del},
    {"APPEND", "APPEND key value", COMMAND_APPEND, KEY_AND_REST, run_append},
    {"EXPIRE", "EXPIRE key milliseconds", COMMAND_EXPIRE, KEY_AND_REST, run_expire},
    {"TTL", "TTL key", COMMAND_TTL, KEY, run_ttl},
    {"COUNT", "COUNT", COMMAND_COUNT, NO_ARGUMENT, run_count},
    {"SCAN", "SCAN [prefix]", COMMAND_SCAN, MAYBE_KEY, run_scan},
    {"STATS", "STATS", COMMAND_STATS, NO_ARGUMENT, run_stats},
    {"CALLS", "CALLS command", COMMAND_CALLS, KEY, run_calls},
    {"CONFIG", "CONFIG name [value]", COMMAND_CONFIG, KEY_AND_MAYBE_REST, run_config},
    {"PING", "PING", COMMAND_PING, NO_ARGUMENT, run_ping},
    {"VERSION", "VERSION", COMMAND_VERSION, NO_ARGUMENT, run_version},
    {"QUIT", "QUIT", COMMAND_QUIT, NO_ARGUMENT, run_quit},
};

static const struct command *command_named(struct text name) {
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (text_equals(name, commands[i].name))
            return &commands[i];
    return NULL;
}

static void run_calls(struct request *request) {
    const struct command *command = command_named(request->key);
    if (!command) {
        answer_none(request);
        return;
    }
    pthread_mutex_lock(&calls_lock);
    uint64_t count = calls[command->id];
    pthread_mutex_unlock(&calls_lock);
    output_format(request->answer, "CALLS %s %llu\n", command->name, (unsigned long long)count);
}

static bool arguments_fit(const struct command *command, const struct request *request) {
    bool key = request->key.size > 0, rest = request->rest.size > 0;
    switch (command->arguments) {
    case NO_ARGUMENT:
        return !key && !rest;
    case MAYBE_KEY:
        return !rest;
    case KEY:
        return key && !rest;
    case KEY_AND_REST:
        return key && rest;
    case KEY_AND_MAYBE_REST:
        return key;
    }
    return false;
}

bool command_run(struct connection *connection, struct text line) {
    struct text name = text_cut_word(&line);
    struct text key = text_cut_word(&line);
    struct request request = {connection, &connection->output, key, line, connection->worker->loop->now};
    const struct command *command = command_named(name);
    if (!command) {
        output_format(request.answer, "ERROR unknown command\n");
    } else if (!arguments_fit(command, &request)) {
        output_format(request.answer, "ERROR usage: %s\n", command->usage);
    } else if (request.key.size > KEY_MOST) {
        output_format(request.answer, "ERROR key too long\n");
    } else {
        pthread_mutex_lock(&calls_lock);
        calls[command->id]++;
        pthread_mutex_unlock(&calls_lock);
        command->run(&request);
    }
    return connection->state == CONNECTION_OPEN;
}

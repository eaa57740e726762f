#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_SIZE = 1024, STAMP_SIZE = 32 };

static const char *const level_names[LOG_LEVELS] = {"error", "notice", "detail"};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *file_path;
static int file = STDERR_FILENO;
static enum log_level highest = LOG_NOTICE;

static int open_file(const char *path) {
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
}

int log_open(const char *path) {
    if (!path)
        return 0;
    int opened = open_file(path);
    if (opened < 0)
        return -1;
    file = opened;
    file_path = path;
    return 0;
}

void log_reopen(void) {
    if (!file_path)
        return;
    int opened = open_file(file_path);
    if (opened < 0) {
        log_line(LOG_ERROR, "the log file %s can't be opened again: %s", file_path, strerror(errno));
        return;
    }
    pthread_mutex_lock(&lock);
    int old = file;
    file = opened;
    pthread_mutex_unlock(&lock);
    close(old);
}

void log_set_level(enum log_level level) {
    highest = level;
}

int log_level_named(const char *name) {
    for (int level = 0; level < LOG_LEVELS; level++)
        if (strcmp(name, level_names[level]) == 0)
            return level;
    return -1;
}

/* The present second as text. Under the lock: most lines of a busy second share it. */
static const char *stamp(void) {
    static char text[STAMP_SIZE];
    static time_t formatted = -1;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec != formatted) {
        struct tm parts;
        gmtime_r(&now.tv_sec, &parts);
        (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
        formatted = now.tv_sec;
    }
    return text;
}

void log_line(enum log_level level, const char *format, ...) {
    if (level > highest)
        return;
    int error = errno;
    char line[LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    pthread_mutex_lock(&lock);
    int head = snprintf(line, sizeof line, "%s %s ", stamp(), level_names[level]);
    int text = vsnprintf(line + head, sizeof line - (size_t)head - 1, format, arguments);
    va_end(arguments);
    size_t size = (size_t)head + (text < 0 ? 0 : (size_t)text);
    if (size > sizeof line - 2)
        size = sizeof line - 2;
    line[size++] = '\n';
    /* A full disk costs the line, not the service. */
    ssize_t written = write(file, line, size);
    (void)written;
    pthread_mutex_unlock(&lock);
    errno = error;
}

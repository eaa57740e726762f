/* The server's log: a line for each thing that its operator should know of. Any thread may write.
 */
#ifndef KV_LOG_H
#define KV_LOG_H

enum log_level { LOG_ERROR, LOG_NOTICE, LOG_DETAIL, LOG_LEVELS };

/* Lines go to the end of this file, which is made when missing; NULL: to standard error. 0, or -1 and errno.
 */
int log_open(const char *path);

/* Opens the path anew, after a log rotation has moved the file away. When that fails the old file stays. */
void log_reopen(void);

/* Lines above this level are dropped. */
void log_set_level(enum log_level level);

/* The level of this name, or -1. */
int log_level_named(const char *name);

/* One line: time (UTC), level, text. It is written in one call, so that lines never mix. errno stays. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

/* The command line.
 */
#ifndef KV_OPTIONS_H
#define KV_OPTIONS_H

struct options {
    const char *bind;
    unsigned port;
    unsigned threads; /* 0: the main thread does everything */
    const char *log;  /* NULL: standard error */
};

/* What was given is set, in the settings also; the rest stays as it is. 0; -1: a text to standard error says
 * what is wrong; 1: help was asked for, and given. */
int options_read(struct options *options, int count, char **arguments);

#endif

/* Descriptors that no record told of; see strangers.c. */
#ifndef MV_STRANGERS_H
#define MV_STRANGERS_H

#include <stdint.h>

void mv_strangers_look(void);
void mv_strangers_add(int32_t fd);
int32_t mv_stranger_accepted_by(int listener); /* -1: none */
int32_t mv_stranger_opened(int64_t directory, const char *path, uint32_t flags);
void mv_strangers_close(int most);

void mv_stranger_received(int32_t fd);

#endif

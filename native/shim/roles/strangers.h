/* Descriptors that no record told of; see strangers.c. */
#ifndef MV_STRANGERS_H
#define MV_STRANGERS_H

#include <stdint.h>

void mv_strangers_look(void);
int32_t mv_stranger_accepted_by(int listener); /* -1: none */

#endif

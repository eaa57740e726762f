/* For programs that want to say themselves where they may be updated. No program has to: without a word the
 * wait of its event loop is an update point.
 *
 * The functions are in libmvedsua.so, which is preloaded: declare them weak, and the program runs without it,
 * too:
 *
 *     #include <mvedsua/update.h>
 *     if (mvedsua_update_point)
 *         mvedsua_update_point("loop");
 */
#ifndef MVEDSUA_UPDATE_H
#define MVEDSUA_UPDATE_H

#ifdef __cplusplus
extern "C" {
#endif

/* The main thread may be updated here, if that has been asked for. `name`: for messages. Returns in the old
 * version, also without an update; the new version never returns here, but runs what its update description
 * names. A new version whose `main` is run arrives here: from then on mvedsua_is_updating() is 0. */
extern void mvedsua_update_point(const char *name) __attribute__((weak));

/* 1 in a new version from its first instruction until it comes to an update point: its globals hold what the
 * old version's did, so `main` must not initialise them. Else 0. */
extern int mvedsua_is_updating(void) __attribute__((weak));

#ifdef __cplusplus
}
#endif
#endif

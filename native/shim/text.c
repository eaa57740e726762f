/* Lines for the operator: into the session memory's message ring, or to stderr when there is no session and
 * MVEDSUA_LOG is set. Async-signal-safe, any thread. */
#include "state.h"
#include "sys.h"

static uint32_t to_stderr;

void mv_say_to_stderr(void) {
    to_stderr = 1;
}

void mv_text_add(struct mv_text *text, const char *string) {
    while (*string && text->used < sizeof text->bytes - 1)
        text->bytes[text->used++] = *string++;
    text->bytes[text->used] = 0;
}

void mv_text_number(struct mv_text *text, long number) {
    char digits[24];
    int at = sizeof digits - 1;
    unsigned long rest = number < 0 ? 0 - (unsigned long)number : (unsigned long)number;
    digits[at] = 0;
    do
        digits[--at] = (char)('0' + rest % 10);
    while (rest /= 10);
    if (number < 0)
        digits[--at] = '-';
    mv_text_add(text, digits + at);
}

void mv_text_hex(struct mv_text *text, uint64_t number) {
    char digits[20];
    int at = sizeof digits - 1;
    digits[at] = 0;
    do
        digits[--at] = "0123456789abcdef"[number % 16];
    while (number /= 16);
    digits[--at] = 'x';
    digits[--at] = '0';
    mv_text_add(text, digits + at);
}

void mv_text_copy(char *to, size_t size, const struct mv_text *text) {
    size_t used = text->used < size ? text->used : size;
    for (size_t i = 0; i < used; i++)
        to[i] = text->bytes[i];
    for (size_t i = used; i < size; i++)
        to[i] = 0;
}

void mv_say(enum mv_level level, const struct mv_text *text) {
    if (mv.control) {
        uint64_t number = __atomic_add_fetch(&mv.control->message_count, 1, __ATOMIC_ACQ_REL);
        struct mv_message *message = &mv.control->messages[number % MV_MESSAGES];
        __atomic_store_n(&message->number, 0, __ATOMIC_RELEASE);
        message->pid = (uint32_t)mv_sys0(__NR_getpid); /* the keeper has its leader's mv.pid */
        message->level = level;
        mv_text_copy(message->text, sizeof message->text, text);
        __atomic_store_n(&message->number, number, __ATOMIC_RELEASE);
        mv_control_changed();
    } else if (to_stderr || level == MV_ERROR) {
        struct mv_text line = {.used = 0};
        mv_text_add(&line, "mvedsua: ");
        mv_text_add(&line, text->bytes);
        mv_text_add(&line, "\n");
        mv_sys3(__NR_write, 2, (long)line.bytes, line.used);
    }
}

void mv_say_string(enum mv_level level, const char *string) {
    struct mv_text text = {.used = 0};
    mv_text_add(&text, string);
    mv_say(level, &text);
}

void mv_control_changed(void) {
    if (!mv.control)
        return;
    __atomic_add_fetch(&mv.control->change, 1, __ATOMIC_ACQ_REL);
    mv_sys3(__NR_futex, (long)&mv.control->change, 1 /* FUTEX_WAKE, shared */, 0x7fffffff);
}

void mv_fail(const char *why) {
    mv_say_string(MV_ERROR, why);
    for (;;)
        mv_sys1(__NR_exit_group, 70);
}

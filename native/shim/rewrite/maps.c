#include "maps.h"

#include "rewrite.h"
#include "sys.h"

int mv_proc_directory = -1;

int mv_maps_open(struct mv_maps *m) {
    *m = (struct mv_maps){0};
    long fd = mv_sys_open_read(mv_proc_directory, mv_proc_directory < 0 ? "/proc/self/maps" : "self/maps");
    if (fd < 0)
        return MV_REWRITE_NO_MAPS;
    int status = MV_REWRITE_OK;
    for (;;) {
        if (m->size == m->capacity) {
            size_t capacity = m->capacity == 0 ? 256 << 10 : 2 * m->capacity;
            long text = mv_sys_map(0, capacity);
            if (text < 0) {
                status = MV_REWRITE_NO_MEMORY;
                break;
            }
            if (m->text != NULL) {
                __builtin_memcpy((char *)text, m->text, m->size);
                mv_sys_unmap((uintptr_t)m->text, m->capacity);
            }
            m->text = (char *)text;
            m->capacity = capacity;
        }
        long got = mv_sys_read(fd, m->text + m->size, m->capacity - m->size);
        if (got <= 0) {
            status = got < 0 ? MV_REWRITE_NO_MAPS : MV_REWRITE_OK;
            break;
        }
        m->size += (size_t)got;
    }
    mv_sys_close(fd);
    if (status != MV_REWRITE_OK)
        mv_maps_close(m);
    return status;
}

void mv_maps_close(struct mv_maps *m) {
    if (m->text != NULL)
        mv_sys_unmap((uintptr_t)m->text, m->capacity);
    m->text = NULL;
}

static uint64_t number(const char **p, const char *end, unsigned base) {
    uint64_t value = 0;
    for (; *p < end; (*p)++) {
        unsigned digit = (unsigned)**p - '0';
        if (digit > 9)
            digit = (unsigned)**p - 'a' + 10;
        if (digit >= base)
            break;
        value = value * base + digit;
    }
    return value;
}

static void skip(const char **p, const char *end, char separator) {
    while (*p < end && **p != separator)
        (*p)++;
    while (*p < end && **p == separator)
        (*p)++;
}

/* 7f08-7f09 r-xp 00026000 fe:01 1234     /path  */
int mv_maps_next(struct mv_maps *m, struct mv_mapping *mapping) {
    if (m->at >= m->size)
        return 0;
    const char *p = m->text + m->at, *end = p;
    while (end < m->text + m->size && *end != '\n')
        end++;
    m->at = (size_t)(end - m->text) + 1;

    mapping->start = number(&p, end, 16);
    skip(&p, end, '-');
    mapping->end = number(&p, end, 16);
    skip(&p, end, ' ');
    mapping->prot = 0;
    mapping->shared = 0;
    for (; p < end && *p != ' '; p++) {
        mapping->prot |= *p == 'r' ? MV_PROT_READ : *p == 'w' ? MV_PROT_WRITE : *p == 'x' ? MV_PROT_EXEC : 0;
        mapping->shared |= *p == 's';
    }
    skip(&p, end, ' ');
    mapping->offset = number(&p, end, 16);
    skip(&p, end, ' ');
    skip(&p, end, ' '); /* device */
    mapping->inode = number(&p, end, 10);
    skip(&p, end, ' ');
    mapping->name = p;
    mapping->name_length = (size_t)(end - p);
    return 1;
}

int mv_mapping_named(const struct mv_mapping *mapping, const char *name) {
    size_t i = 0;
    for (; name[i] != 0; i++) {
        if (i >= mapping->name_length || mapping->name[i] != name[i])
            return 0;
    }
    return i == mapping->name_length;
}

/* The tables of both releases: those of 1.0 with _1_0 behind their names.
 */
#ifndef KV_TABLES_H
#define KV_TABLES_H

#define entry        entry_1_0
#define table        table_1_0
#define table_find   table_find_1_0
#define table_insert table_insert_1_0
#define table_remove table_remove_1_0
#define table_free   table_free_1_0
#include "1.0/table.h"
#undef entry
#undef table
#undef table_find
#undef table_insert
#undef table_remove
#undef table_free

/* Both files have this guard. */
#undef KV_TABLE_H
#include "2.0/table.h"

#endif

using Mvedsua.Update.Transfer;

namespace Mvedsua.Update.Tests.Transfer;

/// <summary>State of changed types is carried over with its shape; the new version's own code looks at it.</summary>
public sealed class TransferTests
{
    [Fact]
    public void A_doubly_linked_ring_of_a_grown_struct_keeps_its_shape()
    {
        using var program = new TypedProgram("""
            struct node { struct node *next, *prev; int value; char name[4]; };
            struct node *head; int count;
            void build(void) {
                for (int i = 0; i < 100000; i++) {
                    struct node *n = malloc(sizeof *n);
                    n->value = i; strcpy(n->name, "abc");
                    if (!head) { head = n->next = n->prev = n; } else { n->next = head; n->prev = head->prev; head->prev->next = n; head->prev = n; }
                    count++;
                }
            }
            """, """
            struct node { long value; struct node *prev; char name[12]; struct node *next; double weight; };
            struct node *head; int count;
            int check(void) {
                CHECK(count == 100000);
                struct node *n = head;
                for (int i = 0; i < 100000; i++, n = n->next) {
                    CHECK(n->value == i); CHECK(!strcmp(n->name, "abc")); CHECK(n->weight == 0);
                    CHECK(n->next->prev == n && n->prev->next == n);
                    CHECK(malloc_usable_size(n) >= sizeof *n);
                }
                CHECK(n == head);
                return 0;
            }
            """);
        var report = program.TransferAndCheck();
        Assert.Equal((100_000, 100_000, 0), (report.Converted, report.Moved, report.LeftOverCount));
    }

    [Fact]
    public void Many_pointers_to_one_object_lead_to_one_new_object_in_whatever_order_they_stand()
    {
        const int count = 20_000;
        using var program = new TypedProgram($$"""
            struct node { int value; struct node *other; long inner; };
            struct node **shuffled, **nodes; long *inside[{{count}}];
            void build(void) {
                nodes = malloc({{count}} * sizeof *nodes); shuffled = malloc(2 * {{count}} * sizeof *shuffled);
                for (int i = 0; i < {{count}}; i++) nodes[i] = malloc(sizeof **nodes);
                for (int i = 0; i < {{count}}; i++) {
                    *nodes[i] = (struct node){ i, nodes[(i * 7l + 3) % {{count}}], -i };
                    shuffled[i] = shuffled[i + {{count}}] = nodes[i * 7919l % {{count}}];
                    inside[i] = &nodes[i * 6007l % {{count}}]->inner;
                }
            }
            """, $$"""
            struct node { long inner, added; struct node *other; long value; };
            struct node **shuffled, **nodes; long *inside[{{count}}];
            int check(void) {
                for (int i = 0; i < {{count}}; i++) {
                    CHECK(nodes[i]->value == i && nodes[i]->inner == -i && nodes[i]->other == nodes[(i * 7l + 3) % {{count}}]);
                    CHECK(shuffled[i] == nodes[i * 7919l % {{count}}] && shuffled[i + {{count}}] == shuffled[i]);
                    CHECK(inside[i] == &nodes[i * 6007l % {{count}}]->inner);
                }
                return 0;
            }
            """, "length shuffled is 40000\nlength nodes is 20000");
        var report = program.TransferAndCheck();
        Assert.Equal((count, count, 0), (report.Converted, report.Moved, report.LeftOverCount));
    }

    [Fact]
    public void Every_kind_of_field_is_converted()
    {
        using var program = new TypedProgram("""
            enum colour { RED, GREEN, BLUE };
            struct point { short x, y; };
            struct shape {
                enum colour colour; unsigned a : 3, b : 9; signed c : 5; struct point at; struct point corners[3]; float ratio; unsigned char small; _Bool flag;
                int kind; union { long number; struct point *point; char text[8]; } value; int (*compare)(int, int); char label[16]; int same;
                struct { int inner; }; long matrix[2][3]; struct point **many; int many_count; long double big; char *text;
            };
            static int minus(int a, int b) { return a - b; }
            struct shape *shapes; struct shape one; struct point pts[5];
            static void fill(struct shape *s, int i) {
                s->colour = i % 3; s->a = i % 8; s->b = i % 512; s->c = i % 16 - 8; s->at.x = -i; s->at.y = i;
                for (int k = 0; k < 3; k++) s->corners[k] = (struct point){ i + k, -k };
                s->ratio = i + 0.5f; s->small = i; s->flag = i & 1; s->kind = i % 3;
                if (s->kind == 0) s->value.number = -i; else if (s->kind == 1) s->value.point = &pts[i % 5]; else strcpy(s->value.text, "text");
                s->compare = minus; strcpy(s->label, "label"); s->same = i; s->inner = i * 2;
                for (int k = 0; k < 6; k++) s->matrix[k / 3][k % 3] = i * k;
                s->many_count = i % 4; s->many = malloc((i % 4 + 1) * sizeof *s->many);
                for (int k = 0; k < s->many_count; k++) s->many[k] = &pts[k];
                s->many[s->many_count] = (void *)0x7; /* beyond the length: never looked at */
                s->big = i; s->text = "literal";
            }
            void build(void) {
                for (int i = 0; i < 5; i++) pts[i] = (struct point){ 100 + i, -100 - i };
                shapes = calloc(7, sizeof *shapes);
                for (int i = 0; i < 7; i++) fill(&shapes[i], i + 1);
                fill(&one, 9);
            }
            """, """
            enum colour { BLUE, CYAN, GREEN, RED };
            struct point { int y, x; };
            struct shape {
                long double big; unsigned a : 6; signed c : 10; unsigned b : 10; enum colour colour; struct point corners[4], at; double scale; short small; int flag;
                int kind; union { struct point *point; long number; char text[8]; } value; int (*compare)(int, int); char label[32]; int same;
                struct { long pad; int inner; }; int matrix[2][4]; struct point **many; int many_count; char *text; int fresh; long computed;
            };
            static int minus(int a, int b) { return a - b; }
            struct shape *shapes; struct shape one; struct point pts[5];
            int same_as_before(int (*f)(int, int)) { return f == minus; }
            static int look(struct shape *s, int i) {
                static const enum colour colours[] = { RED, GREEN, BLUE };
                CHECK(s->colour == colours[i % 3]); CHECK(s->a == i % 8); CHECK(s->b == i % 512); CHECK(s->c == i % 16 - 8); CHECK(s->at.x == -i && s->at.y == i);
                for (int k = 0; k < 3; k++) CHECK(s->corners[k].x == i + k && s->corners[k].y == -k);
                CHECK(s->corners[3].x == 0); CHECK(s->scale == i + 0.5); CHECK(s->small == i); CHECK(s->flag == (i & 1)); CHECK(s->kind == i % 3);
                if (s->kind == 0) CHECK(s->value.number == -i); else if (s->kind == 1) CHECK(s->value.point == &pts[i % 5] && s->value.point->x == 100 + i % 5); else CHECK(!strcmp(s->value.text, "text"));
                CHECK(s->compare(7, 2) == 5 && same_as_before(s->compare)); CHECK(!strcmp(s->label, "label")); CHECK(s->same == i); CHECK(s->inner == i * 2); CHECK(s->pad == 0);
                for (int k = 0; k < 6; k++) CHECK(s->matrix[k / 3][k % 3] == i * k);
                CHECK(s->matrix[0][3] == 0);
                CHECK(s->many_count == i % 4);
                for (int k = 0; k < s->many_count; k++) CHECK(s->many[k] == &pts[k]);
                CHECK(s->big == i); CHECK(!strcmp(s->text, "literal")); CHECK(s->fresh == 42); CHECK(s->computed == i * 3 + 1);
                return 0;
            }
            int check(void) {
                for (int i = 0; i < 5; i++) CHECK(pts[i].x == 100 + i && pts[i].y == -100 - i);
                for (int i = 0; i < 7; i++) { int line = look(&shapes[i], i + 1); if (line) return line * 1000 + i; }
                return look(&one, 9);
            }
            """, """
            rename struct shape.ratio to scale
            init struct shape.fresh = 42
            init struct shape.computed = same * 2 + inner / 2 + 1
            valid struct shape.value is number when kind == 0
            valid struct shape.value is point when kind == 1
            valid struct shape.value is text when kind == 2
            length struct shape.many is many_count
            length shapes is 7
            """);
        program.TransferAndCheck();
    }

    [Fact]
    public void Interior_pointers_flexible_members_and_first_members_follow_their_object()
    {
        using var program = new TypedProgram("""
            struct base { int kind; struct base *next; };
            struct derived { struct base base; int extra; };
            struct item { short a; int b; };
            struct box { int count; struct item *favourite; int *into; struct item *end; struct item items[]; };
            struct base *list; struct derived *typed; struct box *box; struct item *middle, row[4], *in_row; int *deep;
            void build(void) {
                typed = malloc(sizeof *typed); typed->base.kind = 1; typed->extra = 77;
                list = malloc(sizeof *list); list->kind = 0; list->next = &typed->base; typed->base.next = list;
                box = malloc(sizeof *box + 5 * sizeof(struct item)); box->count = 5;
                for (int i = 0; i < 5; i++) box->items[i] = (struct item){ i, i * 10 };
                box->favourite = &box->items[3]; box->into = &box->items[4].b; box->end = &box->items[5]; middle = &box->items[1];
                for (int i = 0; i < 4; i++) row[i] = (struct item){ 50 + i, 60 + i };
                in_row = &row[2]; deep = &row[3].b;
            }
            """, """
            struct base { struct base *next; long kind; };
            struct derived { struct base base; int extra, more; };
            struct item { int b; long a; };
            struct box { struct item *favourite; int *into; struct item *end; int count; struct item items[]; };
            struct base *list; struct derived *typed; struct box *box; struct item *middle, row[4], *in_row; int *deep;
            int check(void) {
                CHECK(list->kind == 0 && list->next == &typed->base && typed->base.next == list && typed->base.kind == 1 && typed->extra == 77 && typed->more == 0);
                CHECK(box->count == 5);
                for (int i = 0; i < 5; i++) CHECK(box->items[i].a == i && box->items[i].b == i * 10);
                CHECK(box->favourite == &box->items[3]); CHECK(box->into == &box->items[4].b); CHECK(box->end == &box->items[5]); CHECK(middle == &box->items[1]);
                CHECK(in_row == &row[2] && in_row->a == 52 && in_row->b == 62); CHECK(deep == &row[3].b && *deep == 63);
                return 0;
            }
            """, "length struct box.items is count");
        program.TransferAndCheck();
    }

    [Fact]
    public void A_table_becomes_linked_buckets_by_a_function_of_the_authors()
    {
        using var program = new TypedProgram("""
            struct entry { char *key; int value; };
            struct table { unsigned size, used; struct entry *entries; };
            struct table table;
            void build(void) {
                table.size = 64; table.entries = calloc(64, sizeof(struct entry));
                for (int i = 0; i < 40; i++) { char key[16]; sprintf(key, "key%d", i); table.entries[i] = (struct entry){ strdup(key), i }; table.used++; }
            }
            """, """
            struct entry { struct entry *next; char *key; long value; };
            struct table { unsigned size, used; struct entry **buckets; };
            struct table table;
            unsigned hash(const char *key) { unsigned h = 5381; while (*key) h = h * 33 + *key++; return h % 16; }
            int rebuilt;
            int check(void) {
                CHECK(table.size == 16 && table.used == 40 && rebuilt == 1);
                for (int i = 0; i < 40; i++) {
                    char key[16]; sprintf(key, "key%d", i);
                    struct entry *e = table.buckets[hash(key)];
                    while (e && strcmp(e->key, key)) e = e->next;
                    CHECK(e && e->value == i);
                }
                return 0;
            }
            """, "convert struct table by rebuild\nconverters \"convert.c\"", """
            #include <stdlib.h>
            struct entry { struct entry *next; char *key; long value; };
            struct table { unsigned size, used; struct entry **buckets; };
            struct old_entry { char *key; int value; };
            struct old_table { unsigned size, used; struct old_entry *entries; };
            extern int rebuilt; /* of the new version, as is hash() */
            unsigned hash(const char *key);
            static void add(struct table *to, const struct old_entry *old) {
                struct entry *e = malloc(sizeof *e);
                unsigned h = hash(old->key);
                *e = (struct entry){ to->buckets[h], old->key, old->value };
                to->buckets[h] = e;
                to->used++;
            }
            static void (*const how)(struct table *, const struct old_entry *) = add;
            void rebuild(const struct old_table *from, struct table *to) {
                to->size = 16;
                to->used = 0;
                to->buckets = calloc(16, sizeof *to->buckets);
                for (unsigned i = 0; i < from->size; i++)
                    if (from->entries[i].key) how(to, &from->entries[i]);
                free(from->entries);
                rebuilt++;
            }
            """);
        program.TransferAndCheck();
    }

    [Fact]
    public void What_start_up_makes_for_new_fields_is_made_by_functions_that_the_description_calls()
    {
        const string make = "static char *make(const char *text) { return strcpy(malloc(strlen(text) + 1), text); }\n";
        using var program = new TypedProgram("struct shared { char *ok, *error; } shared; int calls;" + make + """
            void build(void) { shared.ok = make("+OK"); shared.error = make("-ERR"); calls = 5; }
            """, "struct shared { char *ok, *queued, *error; } shared; int calls, last; static int steps[] = { 10, 20 };" + make + """
            static __attribute__((noinline)) void make_shared(struct shared *all, int number) {
                if (strcmp(all->ok, "+OK") || all->queued) abort(); /* the state is there already */
                all->ok = make("+ok");
                all->queued = make("+QUEUED");
                calls += number;
            }
            __attribute__((noinline)) void finish(int *from, int number) { last = from[1] + number + !!shared.queued; }
            int check(void) {
                if (!steps[0]) { make_shared(&shared, 1); finish(steps, 1); } /* both have code of their own */
                CHECK(!strcmp(shared.ok, "+ok") && !strcmp(shared.queued, "+QUEUED") && !strcmp(shared.error, "-ERR"));
                CHECK(calls == 8 && last == 20 + 8 + 1);
                return 0;
            }
            """, "call make_shared(&shared, 3)\ncall finish(steps, calls)\n");
        program.TransferAndCheck();
    }

    [Fact]
    public void A_function_that_the_description_calls_and_that_can_t_be_run_is_told_by_name()
    {
        using var program = new TypedProgram("int state; void build(void) { state = 1; }",
            "int state; long before; void broken(void) { *(volatile int *)8 = 1; } int check(void) { return 0; }", "call broken()\n");
        var refusal = Assert.Throws<UpdateRefusedException>(() => program.Transfer());
        Assert.StartsWith("the function broken(), which the description calls: ", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_void_pointer_is_followed_when_the_description_says_what_it_points_to()
    {
        const string common = "struct cell { void *data; struct cell *next; }; struct cell *cells; void *direct;";
        using var program = new TypedProgram("struct entry { int v; };" + common + """
            void build(void) {
                for (int i = 0; i < 50; i++) { struct cell *c = malloc(sizeof *c); struct entry *e = malloc(sizeof *e); e->v = i; *c = (struct cell){ e, cells }; cells = c; }
                direct = cells->data;
            }
            """, "struct entry { long v; void *extra[4]; };" + common + """
            int check(void) {
                int i = 49;
                for (struct cell *c = cells; c; c = c->next, i--) CHECK(((struct entry *)c->data)->v == i);
                CHECK(i == -1 && direct == cells->data);
                return 0;
            }
            """, "type struct cell.data is struct entry *\ntype direct is struct entry *");
        program.TransferAndCheck();
    }

    [Fact]
    public void A_million_entries_of_a_changed_struct_are_carried_over_in_seconds()
    {
        const int count = 1_000_000;
        using var program = new TypedProgram($$"""
            struct entry { struct entry *next; char *key; long value; };
            struct entry **table; int used;
            void build(void) {
                table = calloc({{count}}, sizeof *table);
                for (int i = 0; i < {{count}}; i++) {
                    struct entry *e = malloc(sizeof *e); char *key = malloc(12); sprintf(key, "%d", i);
                    unsigned h = (unsigned)i * 2654435761u % {{count}};
                    *e = (struct entry){ table[h], key, i }; table[h] = e; used++;
                }
            }
            """, $$"""
            struct entry { struct entry *next; long value, expires; char *key; };
            struct entry **table; int used;
            int check(void) {
                int seen = 0;
                CHECK(used == {{count}});
                for (int h = 0; h < {{count}}; h++)
                    for (struct entry *e = table[h]; e; e = e->next, seen++) { CHECK(atol(e->key) == e->value); CHECK((unsigned)e->value * 2654435761u % {{count}} == h); CHECK(e->expires == -1); }
                CHECK(seen == {{count}});
                return 0;
            }
            """, "init struct entry.expires = -1");
        var before = Environment.CpuUsage.TotalTime;
        var report = program.TransferAndCheck();
        var used = Environment.CpuUsage.TotalTime - before;
        TestContext.Current.TestOutputHelper?.WriteLine($"{report}, {used.TotalMilliseconds} ms of processor time");
        Assert.Equal(count, report.Converted);
        /* The machine is shared, and other tests run in this process: some 1.3 s alone. */
    }

    [Theory]
    [InlineData("struct node *gone; char *guard;", "gone = malloc(4000); guard = malloc(32); free(gone);", "gone", "was freed; the pointer dangles")]
    [InlineData("struct node *wild;", "wild = (void *)0x123456789ab0;", "wild", "no memory at all")]
    [InlineData("struct node *local;", "static char place[4096]; local = (void *)place;", "local", "is no struct node that the allocator or a variable holds")]
    [InlineData("struct node *a; struct other { int x; struct node *n; } *b;", "a = calloc(1, 400); b = (void *)a;", "b", "is struct other here, and struct node by a")]
    [InlineData("struct node *a; void *opaque;", "a = calloc(1, sizeof *a); opaque = a;", "opaque", "say what it points to (type opaque is struct node *)")]
    [InlineData("struct node *a; struct h { int k; union { void *p; long n; } u; } *h;", "a = calloc(1, sizeof *a); h = calloc(1, sizeof *h); h->u.p = a;", "struct h.u.p", "nothing is known of this pointer, and it points to a struct node")]
    [InlineData("struct node *a;", "a = calloc(1, sizeof *a); a->next = calloc(1, sizeof *a); a->next->next = (void *)0x31;", "a → struct node.next → struct node.next: ", "0x31 is no struct node")]
    public void What_cannot_be_carried_over_is_refused_with_the_path_to_it_and_nothing_is_changed(string globals, string build, string path, string problem)
    {
        const string node = "struct node { struct node *next; long v[{0}]; };";
        using var program = new TypedProgram(node.Replace("{0}", "40", StringComparison.Ordinal) + globals + $"void build(void) {{ {build} }}",
            node.Replace("{0}", "50", StringComparison.Ordinal) + globals + "int check(void) { return 0; }");
        var refusal = Assert.Throws<UpdateRefusedException>(program.Transfer);
        Assert.Contains(path, refusal.Message, StringComparison.Ordinal);
        Assert.Contains(problem, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("struct s { int v; } *p;", "p->v = 300;", "struct s { char v; } *p;", "300 doesn't fit")]
    [InlineData("struct s { char t[8]; } *p;", "strcpy(p->t, \"abcdef\");", "struct s { char t[4]; } *p;", "no room")]
    [InlineData("enum e { A, B }; struct s { enum e e; } *p;", "p->e = 7;", "enum e { B, A }; struct s { enum e e; } *p;", "has no name")]
    public void A_value_that_the_new_type_cannot_hold_is_refused_with_its_place(string old, string build, string @new, string problem)
    {
        using var program = new TypedProgram(old + "void build(void) { p = calloc(1, sizeof *p); " + build + " }", @new + "int check(void) { return 0; }");
        var refusal = Assert.Throws<UpdateRefusedException>(program.Transfer);
        Assert.Contains(problem, refusal.Message, StringComparison.Ordinal);
        Assert.Contains("(p)", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Globals_are_carried_three_way_renamed_and_given_values()
    {
        using var program = new TypedProgram("""
            struct config { int port, depth; } config = { 80, 3 };
            struct limits { int a; } limits = { 7 };
            int old_name = 1, untouched = 10, changed = 10; static struct { short a; } local = { 5 };
            int count(void) { static int calls = 2; calls++; return calls + local.a; }
            void build(void) { config.port = 8080; old_name = 99; changed = 11; local.a = 6; count(); }
            """, """
            struct config { int port, depth; long limit; char *name; } config = { 81, 4, 500, "new" };
            struct limits { long a, b; } limits = { 70, 80 };
            int new_name = 2, untouched = 20, changed = 20, fresh = 30; static struct { long a; } local = { 50 };
            int count(void) { static long calls = 2; calls++; return calls; }
            void touch(void) { local.a++; } /* without it the compiler takes local for a constant */
            int check(void) {
                CHECK(config.port == 8080 && config.depth == 3 && config.limit == 8180 && config.name == 0);
                CHECK(limits.a == 70 && limits.b == 80); /* never changed: the new version's */
                CHECK(new_name == 99);
                CHECK(untouched == 20);
                CHECK(changed == 11);
                CHECK(fresh == 30);
                CHECK(local.a == 6);
                CHECK(count() == 4);
                return 0;
            }
            """, "rename global old_name to new_name\ninit config.limit = port + 100");
        program.TransferAndCheck();
    }

    [Fact]
    public void An_allocator_that_is_not_glibcs_is_asked_itself()
    {
        /* Blocks of its own form, from an arena of its own. */
        const string allocator = """
            static char *arena; static size_t used;
            void *malloc(size_t n) { if (!arena) arena = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); n = (n + 31) & ~15ul; size_t *p = (size_t *)(arena + used); used += n + 16; p[0] = n; return p + 2; }
            void free(void *p) { if (p) ((size_t *)p)[-2] |= 1; }
            size_t malloc_usable_size(void *p) { return ((size_t *)p)[-2] & ~1ul; }
            void *calloc(size_t a, size_t b) { return memset(malloc(a * b), 0, a * b); }
            void *realloc(void *p, size_t n) { void *q = malloc(n); if (p) memcpy(q, p, n < ((size_t *)p)[-2] ? n : ((size_t *)p)[-2]); free(p); return q; }
            """;
        using var bench = new Workbench();
        var library = bench.PathOf("liballocator.so");
        bench.Compile("liballocator.so", "#include <stddef.h>\n#include <string.h>\n#include <sys/mman.h>\n" + allocator, "-O1", "-fPIC", "-shared", "-fno-builtin");
        using var program = new TypedProgram("""
            struct node { struct node *next; int value; char name[40]; };
            struct node *head;
            void build(void) { for (int i = 0; i < 200; i++) { struct node *n = malloc(sizeof *n); *n = (struct node){ head, i, "name" }; head = n; } }
            """, """
            struct node { struct node *next; long value; char name[80]; };
            struct node *head;
            int check(void) { int i = 199; for (struct node *n = head; n; n = n->next, i--) CHECK(n->value == i && !strcmp(n->name, "name")); CHECK(i == -1); return 0; }
            """, flags: [library, $"-Wl,-rpath,{bench.Folder}"]);
        Assert.Equal(200, program.TransferAndCheck().Moved);
    }

    [Fact]
    public void A_grown_variable_is_followed_by_all_pointers_to_it_and_a_pool_is_left_alone()
    {
        const string common = """
            struct pool { struct pool *next; char *free; void *owner; };
            struct cut { struct cut *next; void *owner; };
            struct pool *pool; struct cut *cuts; void *context; struct server *typed;
            """;
        using var program = new TypedProgram(common + """

            struct entry { int a; }; struct server { int port; struct entry *entries; } server = { 80 };
            void build(void) {
                server.port = 81; server.entries = calloc(1, sizeof *server.entries); server.entries->a = 3; context = typed = (void *)&server;
                pool = malloc(1 << 12); *pool = (struct pool){ 0, (char *)(pool + 1), &server };
                for (int i = 0; i < 20; i++) { struct cut *c = (struct cut *)((((uintptr_t)pool->free) + 15) & ~15ul); *c = (struct cut){ cuts, &server }; cuts = c; pool->free = (char *)(c + 1); }
            }
            """, common + """

            struct entry { long a; }; struct server { int port; struct entry *entries; char more[100]; } server = { 90 };
            int check(void) {
                CHECK(server.port == 81 && server.entries->a == 3 && context == &server && typed == &server && pool->owner == &server);
                int n = 0;
                for (struct cut *c = cuts; c; c = c->next) n++;
                CHECK(n == 20);
                return 0;
            }
            """);
        program.TransferAndCheck();
    }

    [Fact]
    public void A_pointer_that_only_a_library_holds_is_told()
    {
        /* tsearch(3) keeps it in a node of its own, of which the program's debug information says nothing. */
        const string common = "\n#include <search.h>\n#line 1\nstatic int order(const void *a, const void *b) { return a < b ? -1 : a > b; } void *root, *guard; struct item *known;";
        using var program = new TypedProgram("struct item { int a; };" + common + "void build(void) { known = malloc(sizeof *known); known->a = 5; tsearch(known, &root, order); struct item *volatile *given = malloc(4000); for (int i = 0; i < 500; i++) given[i] = known; guard = malloc(16); free((void *)given); }",
            "struct item { long a, b[8]; };" + common + "int check(void) { CHECK(known->a == 5); CHECK(!tfind(known, &root, order)); return 0; }", "keep root");
        var report = program.TransferAndCheck();
        Assert.Equal(1, report.LeftOverCount);
        Assert.Equal(("[heap]", "struct item (known)"), (report.LeftOvers[0].Where, report.LeftOvers[0].Target));
    }

    [Fact]
    public void A_thread_local_variable_that_leads_to_a_changed_type_is_refused_by_name()
    {
        using var versions = new TwoVersions("struct s { int a; }; _Thread_local struct s *mine;", "struct s { long a; }; _Thread_local struct s *mine;");
        var refusal = Assert.Throws<UpdateRefusedException>(() => StateTransfer.Refuse(versions.Comparison));
        Assert.Contains("mine", refusal.Message, StringComparison.Ordinal);
    }
}

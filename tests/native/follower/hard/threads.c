/* Threads that come and go, are joined, detached and cancelled; what belongs to each of them; pthread_once.
 */
#include "hard.h"

#include <errno.h>
#include <semaphore.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gone = PTHREAD_COND_INITIALIZER;
static long mixed;

static void *add(void *value) {
    pthread_mutex_lock(&lock);
    mixed = mixed * 31 + (long)value;
    witness(mixed);
    pthread_mutex_unlock(&lock);
    return (void *)((long)value * 2);
}

static long create_and_join(struct connection *own, int member, long n) {
    pthread_t threads[4];
    long sum = 0;
    (void)own;
    for (long i = 0; i < n; i++) {
        for (long t = 0; t < 4; t++)
            CHECK(pthread_create(&threads[t], NULL, add, (void *)(t + member)) == 0);
        for (long t = 0; t < 4; t++) {
            void *result;
            CHECK(pthread_join(threads[t], &result) == 0);
            CHECK((long)result == 2 * (t + member));
            sum++;
        }
    }
    return sum;
}

struct detached {
    long left;
};
static void *leave(void *room) {
    pthread_mutex_lock(&lock);
    ((struct detached *)room)->left--;
    pthread_cond_broadcast(&gone);
    pthread_mutex_unlock(&lock);
    return NULL;
}
static long detach(struct connection *own, long n) {
    struct detached room = {n};
    (void)own;
    for (long i = 0; i < n; i++) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, leave, &room) == 0);
        CHECK(pthread_detach(thread) == 0);
    }
    pthread_mutex_lock(&lock);
    while (room.left)
        pthread_cond_wait(&gone, &lock);
    pthread_mutex_unlock(&lock);
    return n;
}

/* n threads at once. */
static void *stay(void *room) {
    struct detached *all = room;
    pthread_mutex_lock(&lock);
    all->left--;
    pthread_cond_broadcast(&gone);
    while (all->left)
        pthread_cond_wait(&gone, &lock);
    pthread_mutex_unlock(&lock);
    return NULL;
}
static long crowd(struct connection *own, long n) {
    struct detached room = {n};
    pthread_t *threads = calloc((size_t)n, sizeof *threads);
    (void)own;
    for (long i = 0; i < n; i++)
        CHECK(pthread_create(&threads[i], NULL, stay, &room) == 0);
    for (long i = 0; i < n; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    free(threads);
    return n;
}

/* Cancelled where it waits: at a condition, a semaphore, a sleep. The mutex of the condition is given back.
 */
struct victim {
    pthread_mutex_t lock;
    pthread_cond_t never;
    sem_t waits, ever;
    long way;
    int mopped;
};
static void mop(void *victim) {
    ((struct victim *)victim)->mopped++;
    pthread_mutex_unlock(&((struct victim *)victim)->lock);
}
static void *wait_for_ever(void *argument) {
    struct victim *victim = argument;
    if (victim->way % 3 == 0) {
        pthread_mutex_lock(&victim->lock);
        pthread_cleanup_push(mop, victim);
        sem_post(&victim->waits);
        for (;;)
            pthread_cond_wait(&victim->never, &victim->lock);
        pthread_cleanup_pop(0);
    }
    sem_post(&victim->waits);
    if (victim->way % 3 == 1)
        sem_wait(&victim->ever);
    sleep(1000000);
    return NULL;
}
static long cancel(struct connection *own, long n) {
    (void)own;
    for (long i = 0; i < n; i++) {
        struct victim victim = {
            .lock = PTHREAD_MUTEX_INITIALIZER, .never = PTHREAD_COND_INITIALIZER, .way = i};
        pthread_t thread;
        void *result;
        sem_init(&victim.waits, 0, 0);
        sem_init(&victim.ever, 0, 0);
        CHECK(pthread_create(&thread, NULL, wait_for_ever, &victim) == 0);
        sem_wait(&victim.waits);
        CHECK(pthread_cancel(thread) == 0);
        CHECK(pthread_join(thread, &result) == 0);
        CHECK(result == PTHREAD_CANCELED);
        CHECK(victim.mopped == (i % 3 == 0));
        CHECK(pthread_mutex_trylock(&victim.lock) == 0);
        witness(i);
    }
    return n;
}

/* Thread-local, by the compiler and by key; the destructor runs as the thread ends. */
static __thread long own_count;
static pthread_key_t key;
struct tally {
    long destroyed;
};
static void destroy(void *tally) {
    __atomic_add_fetch(&((struct tally *)tally)->destroyed, 1, __ATOMIC_SEQ_CST);
    witness(1);
}
static void *use(void *tally) {
    for (int i = 0; i < 10; i++)
        own_count++;
    CHECK(own_count == 10);
    CHECK(!pthread_getspecific(key));
    CHECK(pthread_setspecific(key, tally) == 0);
    CHECK(pthread_getspecific(key) == tally);
    return NULL;
}
static long local(struct connection *own, int member, long n) {
    struct tally tally = {0};
    long before = own_count;
    (void)own;
    (void)member;
    for (long i = 0; i < n; i++) {
        pthread_t thread;
        own_count++;
        CHECK(pthread_create(&thread, NULL, use, &tally) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
    }
    CHECK(own_count == before + n);
    return tally.destroyed;
}

#define ONCES 100000
static pthread_once_t onces[ONCES] = {[0 ... ONCES - 1] = PTHREAD_ONCE_INIT};
static long once_count, from[64], calls;
static void begin_once(void) {
    witness(take_numbers(&calls, 1));
    pthread_mutex_lock(&lock);
    witness(++mixed);
    pthread_mutex_unlock(&lock);
}
static long choose(struct connection *own, long n) {
    from[own->fd % 64] = take_numbers(&once_count, n);
    return 0;
}
static long once(struct connection *own, int member, long n) {
    (void)member;
    for (long i = 0; i < n; i++)
        CHECK(pthread_once(&onces[(from[own->fd % 64] + i) % ONCES], begin_once) == 0);
    return n;
}

/* Memory of all sizes, given back by another thread than it was taken by: what the allocator asks the kernel
 * for depends on time. */
static void *heap[64];
static long allocate(struct connection *own, int member, long n) {
    (void)own;
    for (long i = 0; i < n; i++) {
        size_t size = (size_t)(i * 7919 + member * 104729L) % 100000 + 1;
        char *fresh = malloc(size), *old;
        if (!fresh)
            abort();
        fresh[0] = fresh[size - 1] = (char)i;
        pthread_mutex_lock(&lock);
        old = heap[(i + member) % 64];
        heap[(i + member) % 64] = fresh;
        witness(old ? old[0] : -1);
        pthread_mutex_unlock(&lock);
        free(old);
    }
    return n;
}

void threads_start(void) {
    CHECK(pthread_key_create(&key, destroy) == 0);
}

const struct command thread_commands[] = {{"create", NULL, create_and_join, NULL},
                                          {"detach", NULL, NULL, detach},
                                          {"cancel", NULL, NULL, cancel},
                                          {"crowd", NULL, NULL, crowd},
                                          {"local", NULL, local, NULL},
                                          {"once", choose, once, NULL},
                                          {"heap", NULL, allocate, NULL},
                                          {NULL, NULL, NULL, NULL}};

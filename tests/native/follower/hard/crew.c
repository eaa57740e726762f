/* The crew of a connection: a job at a time, for all. */
#include "hard.h"

long take_numbers(long *from, long count) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    long first = *from;
    *from += count;
    pthread_mutex_unlock(&lock);
    return first;
}

static void *member(void *argument) {
    struct connection *own = argument;
    long done = 0;
    int self = 0;
    pthread_mutex_lock(&own->lock);
    while (!pthread_equal(own->crew[self], pthread_self()))
        self++;
    for (;;) {
        while (own->number == done && !own->leaving)
            pthread_cond_wait(&own->begin, &own->lock);
        if (own->leaving)
            break;
        done = own->number;
        pthread_mutex_unlock(&own->lock);
        long result = own->job(own, self, own->n);
        pthread_mutex_lock(&own->lock);
        own->sum += result;
        if (!--own->busy)
            pthread_cond_signal(&own->end);
    }
    pthread_mutex_unlock(&own->lock);
    return NULL;
}

long together(struct connection *own, job job, long n) {
    pthread_mutex_lock(&own->lock);
    own->job = job;
    own->n = n;
    own->sum = 0;
    own->busy = CREW;
    own->number++;
    pthread_cond_broadcast(&own->begin);
    while (own->busy)
        pthread_cond_wait(&own->end, &own->lock);
    long sum = own->sum;
    pthread_mutex_unlock(&own->lock);
    return sum;
}

void crew_start(struct connection *own) {
    pthread_mutex_lock(&own->lock); /* a member looks for itself among the threads */
    for (int i = 0; i < CREW; i++)
        CHECK(pthread_create(&own->crew[i], NULL, member, own) == 0);
    pthread_mutex_unlock(&own->lock);
}

void crew_end(struct connection *own) {
    pthread_mutex_lock(&own->lock);
    own->leaving = 1;
    pthread_cond_broadcast(&own->begin);
    pthread_mutex_unlock(&own->lock);
    for (int i = 0; i < CREW; i++)
        CHECK(pthread_join(own->crew[i], NULL) == 0);
}

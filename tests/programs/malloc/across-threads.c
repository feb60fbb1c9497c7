/* SPDX-License-Identifier: MIT */
/* Memory allocated in one of sixty-four threads is checked and freed in another. */
#include <malloc.h>

#include "check.h"

enum { THREADS = 64, ROUNDS = 150, SLOTS = 256 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct block {
    size_t size;
    unsigned char fill, bytes[];
} *slots[SLOTS];

static struct block *make(unsigned seed)
{
    size_t size = 1 + seed * 7919u % (seed % 16 == 0 ? 200000 : 2000);
    struct block *block = seed % 3 ? malloc(sizeof *block + size) : calloc(1, sizeof *block + size);
    if (seed % 5 == 0)
        block = realloc(block, sizeof *block + (size *= 2));
    block->size = size;
    block->fill = (unsigned char)seed;
    memset(block->bytes, block->fill, size);
    return block;
}

static void check_and_free(struct block *block)
{
    for (size_t i = 0; i < block->size; i += 97)
        expect(block->bytes[i] == block->fill);
    free(block);
}

static void *routine(void *argument)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned seed = (unsigned)index_of(argument) * ROUNDS + i;
        struct block *fresh = make(seed);
        pthread_mutex_lock(&lock);
        struct block *old = slots[seed * 31 % SLOTS];
        slots[seed * 31 % SLOTS] = fresh;
        pthread_mutex_unlock(&lock);
        if (old)
            check_and_free(old);
        if (i % 20 == 0)
            sched_yield();
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < 2; i++) {
        start_many(threads, THREADS, routine);
        join_many(threads, THREADS);
    }
    for (int i = 0; i < SLOTS; i++)
        if (slots[i])
            check_and_free(slots[i]);
    return finished();
}

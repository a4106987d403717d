// Takes the place of the C library's allocation functions in whatever links it, counts, and passes on to the
// originals under their internal names. `free` stays the library's own: it is the same heap.

#include "allocation_counter.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

// Each thread counts in a slot of its own, on a cache line of its own, so that counting costs next to nothing. Threads
// beyond the last slot share it, which may lose a few of their counts.
enum { slot_count = 256 };
static struct {
    _Alignas(128) _Atomic uint64_t count;
} slots[slot_count];
static _Atomic unsigned claimed;
static _Thread_local int own = -1;

static _Atomic uint64_t *own_count(void) {
    if (own < 0) {
        unsigned slot = atomic_fetch_add_explicit(&claimed, 1, memory_order_relaxed);
        own = slot < slot_count ? (int)slot : slot_count - 1;
    }
    return &slots[own].count;
}

static void note(void) {
    _Atomic uint64_t *count = own_count();
    uint64_t before = atomic_load_explicit(count, memory_order_relaxed);
    atomic_store_explicit(count, before + 1, memory_order_relaxed);
}

uint64_t allocation_count(void) { return atomic_load_explicit(own_count(), memory_order_relaxed); }

uint64_t allocation_count_all(void) {
    uint64_t sum = 0;
    for (int slot = 0; slot < slot_count; slot++)
        sum += atomic_load_explicit(&slots[slot].count, memory_order_relaxed);
    return sum;
}

#if defined(__GLIBC__)

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t number, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size) {
    note();
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    note();
    return __libc_calloc(number, size);
}

void *realloc(void *block, size_t size) {
    note();
    return __libc_realloc(block, size);
}

void *memalign(size_t alignment, size_t size) {
    note();
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **result, size_t alignment, size_t size) {
    void *block = memalign(alignment, size);
    if (block == NULL) return ENOMEM;
    *result = block;
    return 0;
}

#endif

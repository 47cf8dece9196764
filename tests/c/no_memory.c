/* For LD_PRELOAD: once refuse_memory() was called, no thread but the main one gets memory. */
#define _GNU_SOURCE
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);

static atomic_int refused;

void refuse_memory(void) { refused = 1; }

static int is_refused(void) { return refused && gettid() != getpid(); }

void *malloc(size_t size) { return is_refused() ? NULL : __libc_malloc(size); }

void *calloc(size_t count, size_t size) { return is_refused() ? NULL : __libc_calloc(count, size); }

void *realloc(void *block, size_t size) { return is_refused() ? NULL : __libc_realloc(block, size); }

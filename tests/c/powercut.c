#define _GNU_SOURCE
/* Preloaded into a host: writes down, in the order in which they happened, what the process does to the
   files of one folder, with the bytes: what a disk would be told. test_powercut.py rebuilds from it what
   a disk may hold after the power went.

   POWERCUT_FOLDER is the folder (absolute), POWERCUT_TRACE the file. Each record is a head of six 64-bit
   words (operation, descriptor, offset, the lengths of two byte strings, 0) and the two strings. What is
   written through a mapping is not seen; SQLite maps only its index of the log, which it makes anew. */

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { DESCRIPTORS = 4096 };

static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static char watched[DESCRIPTORS];
static const char *folder;
static int trace = -1;

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off64_t);
static int (*real_open)(const char *, int, ...);
static int (*real_ftruncate)(int, off64_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_close)(int);
static int (*real_unlink)(const char *);
static int (*real_rename)(const char *, const char *);
static int (*real_link)(const char *, const char *);
static int (*real_linkat)(int, const char *, int, const char *, int);

static void *next(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (found == NULL) {
        abort();
    }
    return found;
}

__attribute__((constructor)) static void prepare(void) {
    *(void **)&real_write = next("write");
    *(void **)&real_pwrite = next("pwrite64");
    *(void **)&real_open = next("open64");
    *(void **)&real_ftruncate = next("ftruncate64");
    *(void **)&real_fsync = next("fsync");
    *(void **)&real_fdatasync = next("fdatasync");
    *(void **)&real_close = next("close");
    *(void **)&real_unlink = next("unlink");
    *(void **)&real_rename = next("rename");
    *(void **)&real_link = next("link");
    *(void **)&real_linkat = next("linkat");
    folder = getenv("POWERCUT_FOLDER");
    const char *name = getenv("POWERCUT_TRACE");
    if (folder != NULL && name != NULL) {
        trace = real_open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    }
}

static int is_inside(const char *path) {
    size_t length = folder == NULL || trace < 0 ? 0 : strlen(folder);
    return length > 0 && strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == 0);
}

static int is_watched(int fd) { return fd >= 0 && fd < DESCRIPTORS && watched[fd]; }

static void put(const void *bytes, size_t length) {
    while (length > 0) {
        ssize_t done = real_write(trace, bytes, length);
        if (done <= 0) {
            abort();
        }
        bytes = (const char *)bytes + done;
        length -= (size_t)done;
    }
}

static void note(char operation, int fd, uint64_t offset, const void *first, size_t first_length,
                 const void *second, size_t second_length) {
    uint64_t head[6] = {(uint64_t)operation, (uint64_t)(int64_t)fd, offset, first_length, second_length, 0};
    put(head, sizeof head);
    put(first, first_length);
    put(second, second_length);
}

static int open_noted(const char *path, int flags, mode_t mode) {
    if (real_open == NULL) {
        prepare();
    }
    if (!is_inside(path)) {
        return real_open(path, flags, mode);
    }
    pthread_mutex_lock(&order);
    int fd = real_open(path, flags, mode);
    if (fd >= 0 && fd < DESCRIPTORS) {
        watched[fd] = 1;
        note('O', fd, 0, path, strlen(path), NULL, 0);
        if (flags & O_TRUNC) {
            note('T', fd, 0, NULL, 0, NULL, 0);
        }
    }
    pthread_mutex_unlock(&order);
    return fd;
}

static mode_t mode_of(int flags, va_list more) {
    return flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(more, unsigned) : 0;
}

int open(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    mode_t mode = mode_of(flags, more);
    va_end(more);
    return open_noted(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    mode_t mode = mode_of(flags, more);
    va_end(more);
    return open_noted(path, flags, mode);
}

int close(int fd) {
    if (!is_watched(fd)) {
        return real_close(fd);
    }
    pthread_mutex_lock(&order);
    watched[fd] = 0;
    note('C', fd, 0, NULL, 0, NULL, 0);
    int result = real_close(fd);
    pthread_mutex_unlock(&order);
    return result;
}

ssize_t write(int fd, const void *bytes, size_t length) {
    if (!is_watched(fd)) {
        return real_write(fd, bytes, length);
    }
    pthread_mutex_lock(&order);
    off64_t at = lseek64(fd, 0, SEEK_CUR);
    ssize_t done = real_write(fd, bytes, length);
    if (done > 0) {
        note('W', fd, (uint64_t)at, bytes, (size_t)done, NULL, 0);
    }
    pthread_mutex_unlock(&order);
    return done;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
    if (!is_watched(fd)) {
        return real_pwrite(fd, bytes, length, offset);
    }
    pthread_mutex_lock(&order);
    ssize_t done = real_pwrite(fd, bytes, length, offset);
    if (done > 0) {
        note('W', fd, (uint64_t)offset, bytes, (size_t)done, NULL, 0);
    }
    pthread_mutex_unlock(&order);
    return done;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
    return pwrite64(fd, bytes, length, offset);
}

int ftruncate64(int fd, off64_t length) {
    if (!is_watched(fd)) {
        return real_ftruncate(fd, length);
    }
    pthread_mutex_lock(&order);
    int result = real_ftruncate(fd, length);
    if (result == 0) {
        note('T', fd, (uint64_t)length, NULL, 0, NULL, 0);
    }
    pthread_mutex_unlock(&order);
    return result;
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

static int sync_noted(int fd, int (*real)(int)) {
    if (!is_watched(fd)) {
        return real(fd);
    }
    pthread_mutex_lock(&order);
    int result = real(fd);
    if (result == 0) {
        note('S', fd, 0, NULL, 0, NULL, 0);
    }
    pthread_mutex_unlock(&order);
    return result;
}

int fsync(int fd) { return sync_noted(fd, real_fsync); }

int fdatasync(int fd) { return sync_noted(fd, real_fdatasync); }

int unlink(const char *path) {
    if (!is_inside(path)) {
        return real_unlink(path);
    }
    pthread_mutex_lock(&order);
    int result = real_unlink(path);
    if (result == 0) {
        note('U', -1, 0, path, strlen(path), NULL, 0);
    }
    pthread_mutex_unlock(&order);
    return result;
}

int rename(const char *from, const char *to) {
    if (!is_inside(from)) {
        return real_rename(from, to);
    }
    pthread_mutex_lock(&order);
    int result = real_rename(from, to);
    if (result == 0) {
        note('R', -1, 0, from, strlen(from), to, strlen(to));
    }
    pthread_mutex_unlock(&order);
    return result;
}

static int link_noted(const char *from, const char *to, int result) {
    if (result == 0) {
        note('L', -1, 0, from, strlen(from), to, strlen(to));
    }
    return result;
}

int link(const char *from, const char *to) {
    if (!is_inside(from)) {
        return real_link(from, to);
    }
    pthread_mutex_lock(&order);
    int result = link_noted(from, to, real_link(from, to));
    pthread_mutex_unlock(&order);
    return result;
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
    if (!is_inside(from)) {
        return real_linkat(from_folder, from, to_folder, to, flags);
    }
    pthread_mutex_lock(&order);
    int result = link_noted(from, to, real_linkat(from_folder, from, to_folder, to, flags));
    pthread_mutex_unlock(&order);
    return result;
}

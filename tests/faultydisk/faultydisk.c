/*
 * A disk that fails on demand, for one process: preload it (LD_PRELOAD) and name
 *
 *   FAULTYDISK_FOLDER   the folder whose files live on this disk
 *   FAULTYDISK_CONTROL  a file of 64-bit numbers, which a test writes and reads while the process runs
 *
 * What the control file holds, in the machine's byte order; 0 means "not asked for" unless said otherwise:
 *
 *   0  calls       how many calls came to this disk; the disk counts it up
 *   1  cut         the power is cut at this call
 *   2  fail_from   calls from this one ...
 *   3  fail_until  ... to before this one fail with EIO
 *   4  short_ones  of a thousand writes, so many write only a part of what they were given
 *   5  space       how many bytes files may still grow by; then ENOSPC. Negative: no limit
 *   6  slow        milliseconds that each sync takes, and one in sixteen writes
 *   7  seed        of everything random
 *   8  torn        at a cut: 0 loses all that was not synced, 1 keeps a random part of it
 *
 * Writes go to the real files at once, because the process must read what it wrote. What a cut would lose is kept
 * beside: for every page, what it held when the file was last synced; and for the folder, what was created, renamed
 * and deleted since the folder was. A cut puts these back, and kills the process.
 *
 * A sync that failed is as bad as it is on Linux: the pages that it should have written count as clean afterwards, and
 * no later sync saves them unless they are written again.
 *
 * SQLite's -shm is an index in memory, which is never synced and is made anew by the first process that opens the
 * store after a crash. It takes part in errors and in a disk that is full, but is not put back.
 */
#define _GNU_SOURCE
#undef _FORTIFY_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
#define SECTOR 512
#define MAX_FD 65536
#define MAX_PATH (PATH_MAX + 64)
#define MAX_FILES 512
#define MAX_CHANGES 512

typedef struct {
    int64_t number;
    int doomed; /* a sync failed on it, so that no later one writes it */
    char held[PAGE];
} Page;

typedef struct {
    dev_t device;
    ino_t inode;
    char path[MAX_PATH];
    int is_volatile;
    int64_t synced_size;
    int is_dirty;
    Page *pages;
    int count, room;
} File;

/* What was done to names since the folder was synced; always to the one folder and those in it, in this order. */
typedef struct {
    enum { CREATED, DELETED, RENAMED } kind;
    char path[PATH_MAX], to[PATH_MAX], kept[MAX_PATH];
} Change;

enum { CALLS, CUT, FAIL_FROM, FAIL_UNTIL, SHORT_ONES, SPACE, SLOW, SEED, TORN, CONTROLS };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static volatile int64_t *control;
static char folder[PATH_MAX];
static size_t folder_length;
static uint64_t state;
static File *files;
static int file_count;
static int of_fd[MAX_FD]; /* index of the file + 1; -1 for the folder itself */
static Change changes[MAX_CHANGES];
static int change_count, kept_count;

static int (*real_open)(const char *, int, ...);
static int (*real_openat)(int, const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_pwritev)(int, const struct iovec *, int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_ftruncate)(int, off_t);
static int (*real_rename)(const char *, const char *);
static int (*real_unlink)(const char *);
static int (*real_link)(const char *, const char *);

static void stop(const char *why) {
    fprintf(stderr, "faultydisk: %s\n", why);
    abort();
}

static void begin(void) {
    real_open = dlsym(RTLD_NEXT, "open");
    real_openat = dlsym(RTLD_NEXT, "openat");
    real_close = dlsym(RTLD_NEXT, "close");
    real_write = dlsym(RTLD_NEXT, "write");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite");
    real_pwritev = dlsym(RTLD_NEXT, "pwritev");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate");
    real_rename = dlsym(RTLD_NEXT, "rename");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
    real_link = dlsym(RTLD_NEXT, "link");
    const char *where = getenv("FAULTYDISK_FOLDER"), *name = getenv("FAULTYDISK_CONTROL");
    if (!where || !name)
        return;
    if (!realpath(where, folder))
        stop("the folder is not there");
    folder_length = strlen(folder);
    int fd = real_open(name, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        stop("the control file is not there");
    void *mapped = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED)
        stop("the control file can't be mapped");
    real_close(fd);
    files = calloc(MAX_FILES, sizeof(File));
    control = mapped;
    state = ((uint64_t)control[SEED] + 1) * UINT64_C(0x9E3779B97F4A7C15);
}

static int is_on(void) {
    pthread_once(&once, begin);
    return control != NULL;
}

static uint32_t random_below(uint32_t limit) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)((state * UINT64_C(0x2545F4914F6CDD1D)) >> 33) % limit;
}

static void wait_for(int64_t milliseconds) {
    struct timespec time = {milliseconds / 1000, (milliseconds % 1000) * 1000000};
    while (nanosleep(&time, &time) && errno == EINTR)
        ;
}

static int ends_with(const char *text, const char *end) {
    size_t length = strlen(text), of_end = strlen(end);
    return length >= of_end && strcmp(text + length - of_end, end) == 0;
}

/* The absolute form of a path below the folder; 0 for any other. */
static int below(int at, const char *path, char *full) {
    char parent[PATH_MAX], real[PATH_MAX];
    if (path[0] == '/') {
        if (strlen(path) >= PATH_MAX)
            return 0;
        strcpy(parent, path);
    } else {
        char base[PATH_MAX], link[64];
        snprintf(link, sizeof link, at == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", at);
        ssize_t length = readlink(link, base, sizeof base - 1);
        if (length < 0)
            return 0;
        base[length] = 0;
        if (snprintf(parent, sizeof parent, "%s/%s", base, path) >= PATH_MAX)
            return 0;
    }
    if (realpath(parent, real)) {
        strcpy(full, real);
    } else {
        char *slash = strrchr(parent, '/');
        char name[NAME_MAX + 1];
        if (!slash || strlen(slash + 1) > NAME_MAX)
            return 0;
        strcpy(name, slash + 1);
        *slash = 0;
        if (!realpath(parent[0] ? parent : "/", real))
            return 0;
        if (snprintf(full, PATH_MAX, "%s/%s", real, name) >= PATH_MAX)
            return 0;
    }
    return strncmp(full, folder, folder_length) == 0 && (full[folder_length] == '/' || full[folder_length] == 0);
}

static File *file_of(int fd) {
    int index = fd >= 0 && fd < MAX_FD ? of_fd[fd] : 0;
    return index > 0 ? &files[index - 1] : NULL;
}

/* --- What a cut puts back --- */

static int64_t size_of(int fd) {
    struct stat found;
    return fstat(fd, &found) == 0 ? found.st_size : 0;
}

static Page *page_of(File *file, int64_t number) {
    /* Mostly the last ones are asked for. */
    for (int i = file->count - 1; i >= 0; i--) {
        if (file->pages[i].number == number)
            return &file->pages[i];
    }
    return NULL;
}

/* Before these bytes change: what their pages hold now, unless that is kept already. */
static void remember(File *file, int fd, int64_t from, int64_t length) {
    if (file->is_volatile || length <= 0)
        return;
    if (!file->is_dirty) {
        file->is_dirty = 1;
        file->synced_size = size_of(fd);
    }
    for (int64_t number = from / PAGE; number <= (from + length - 1) / PAGE; number++) {
        Page *page = page_of(file, number);
        if (page) {
            page->doomed = 0;
            continue;
        }
        if (file->count == file->room) {
            file->room = file->room ? file->room * 2 : 64;
            file->pages = realloc(file->pages, file->room * sizeof(Page));
            if (!file->pages)
                stop("out of memory");
        }
        page = &file->pages[file->count++];
        page->number = number;
        page->doomed = 0;
        memset(page->held, 0, PAGE);
        /* Another descriptor only where this one can't read: closing one takes SQLite's locks from the process. */
        int reading = fd;
        if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY) {
            char name[64];
            snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
            reading = real_open(name, O_RDONLY | O_CLOEXEC);
        }
        if (pread(reading, page->held, PAGE, number * PAGE) < 0)
            stop("what a page holds can't be read");
        if (reading != fd)
            real_close(reading);
    }
}

static void synced(File *file, int fd, int failed) {
    int left = 0;
    for (int i = 0; i < file->count; i++) {
        if (failed)
            file->pages[i].doomed = 1;
        if (file->pages[i].doomed)
            file->pages[left++] = file->pages[i];
    }
    file->count = left;
    /* The size is the file system's, which has a journal; only the contents of pages are lost by a failed sync. */
    file->synced_size = size_of(fd);
    file->is_dirty = left > 0;
}

static void put_back(File *file) {
    int fd = real_open(file->path, O_RDWR | O_CLOEXEC);
    struct stat found;
    if (fd < 0)
        return;
    if (fstat(fd, &found) || found.st_ino != file->inode || found.st_dev != file->device) {
        real_close(fd); /* a name that means another file by now; this one has none, or is put back by it */
        return;
    }
    int torn = control[TORN] != 0;
    int64_t size = torn && random_below(2) ? found.st_size : file->synced_size;
    for (int i = 0; i < file->count; i++) {
        Page *page = &file->pages[i];
        int luck = torn && !page->doomed ? random_below(4) : 0;
        if (luck >= 2)
            continue; /* it had reached the disk */
        for (int sector = 0; sector < PAGE; sector += SECTOR) {
            if (luck == 1 && random_below(2))
                continue; /* a page that was being written */
            if (real_pwrite(fd, page->held + sector, SECTOR, page->number * PAGE + sector) != SECTOR)
                stop("what was lost can't be put back");
        }
    }
    if (real_ftruncate(fd, size))
        stop("a size can't be put back");
    real_close(fd);
}

static void undo(Change *change) {
    switch (change->kind) {
    case CREATED:
        real_unlink(change->path);
        break;
    case DELETED:
        real_rename(change->kept, change->path);
        break;
    case RENAMED:
        real_rename(change->to, change->path);
        if (change->kept[0])
            real_rename(change->kept, change->to);
        break;
    }
}

static void forget(Change *change) {
    if (change->kept[0])
        real_unlink(change->kept);
}

static Change *changed(int kind, const char *path) {
    if (change_count == MAX_CHANGES)
        stop("too many changes of names");
    Change *change = &changes[change_count++];
    memset(change, 0, sizeof *change);
    change->kind = kind;
    strcpy(change->path, path);
    return change;
}

/* Where a file stays that has lost its name, until the folder is synced: the cut may give the name back. */
static void keep_as(Change *change) {
    snprintf(change->kept, MAX_PATH, "%s/.faultydisk-%d-%d", folder, (int)getpid(), kept_count++);
}

static void cut(void) {
    for (int i = 0; i < file_count; i++) {
        if (files[i].is_dirty)
            put_back(&files[i]);
    }
    /* A journal keeps the order: some first of the changes have reached it. */
    int reached = control[TORN] ? (int)random_below(change_count + 1) : 0;
    for (int i = change_count - 1; i >= reached; i--)
        undo(&changes[i]);
    for (int i = 0; i < reached; i++)
        forget(&changes[i]);
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

/* --- Each call --- */

/* With the lock held. True when this call fails with EIO; a cut does not return. */
static int comes(void) {
    int64_t call = ++control[CALLS];
    if (control[CUT] && call >= control[CUT])
        cut();
    return call >= control[FAIL_FROM] && call < control[FAIL_UNTIL];
}

static int fails(int error) {
    pthread_mutex_unlock(&lock);
    errno = error;
    return -1;
}

static int opened(int fd, const char *full, int existed) {
    struct stat found;
    if (fd < 0 || fd >= MAX_FD || fstat(fd, &found))
        return fd;
    if (S_ISDIR(found.st_mode)) {
        of_fd[fd] = -1;
        return fd;
    }
    if (!S_ISREG(found.st_mode))
        return fd;
    int index = 0;
    while (index < file_count && (files[index].inode != found.st_ino || files[index].device != found.st_dev))
        index++;
    if (index == MAX_FILES)
        stop("too many files");
    if (index == file_count || !existed) { /* the number of a file that is gone may be given again */
        File *file = &files[index];
        if (index == file_count)
            file_count++;
        file->device = found.st_dev;
        file->inode = found.st_ino;
        file->count = 0;
        file->is_dirty = 0;
    }
    strcpy(files[index].path, full);
    files[index].is_volatile = ends_with(full, "-shm");
    of_fd[fd] = index + 1;
    if (!existed && !files[index].is_volatile)
        changed(CREATED, full);
    return fd;
}

static int open_at(int at, const char *path, int flags, mode_t mode) {
    char full[PATH_MAX];
    if (!is_on() || !below(at, path, full))
        return real_openat(at, path, flags, mode);
    pthread_mutex_lock(&lock);
    struct stat found;
    int existed = stat(full, &found) == 0;
    if (flags & (O_WRONLY | O_RDWR)) {
        if (!existed && (flags & O_CREAT) && comes())
            return fails(EIO);
        if (existed && (flags & O_TRUNC) && found.st_size > 0) {
            int before = opened(real_open(full, O_RDWR | O_CLOEXEC), full, 1);
            if (before >= 0) {
                remember(file_of(before), before, 0, found.st_size);
                of_fd[before] = 0;
                real_close(before);
            }
        }
    }
    int fd = opened(real_openat(at, path, flags, mode), full, existed);
    pthread_mutex_unlock(&lock);
    return fd;
}

#define MODE_OF(flags)                                                                                                 \
    mode_t mode = 0;                                                                                                   \
    if ((flags) & (O_CREAT | __O_TMPFILE)) {                                                                           \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        mode = va_arg(rest, mode_t);                                                                                   \
        va_end(rest);                                                                                                  \
    }

int open(const char *path, int flags, ...) {
    MODE_OF(flags)
    return open_at(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    MODE_OF(flags)
    return open_at(AT_FDCWD, path, flags | O_LARGEFILE, mode);
}

int openat(int at, const char *path, int flags, ...) {
    MODE_OF(flags)
    return open_at(at, path, flags, mode);
}

int openat64(int at, const char *path, int flags, ...) {
    MODE_OF(flags)
    return open_at(at, path, flags | O_LARGEFILE, mode);
}

int close(int fd) {
    if (is_on() && fd >= 0 && fd < MAX_FD && of_fd[fd]) {
        pthread_mutex_lock(&lock);
        of_fd[fd] = 0;
        pthread_mutex_unlock(&lock);
    }
    return real_close(fd);
}

/* `at` is negative for where the descriptor stands. */
static ssize_t write_at(int fd, const char *bytes, size_t length, off_t at) {
    pthread_mutex_lock(&lock);
    File *file = file_of(fd);
    if (!file || length == 0) {
        pthread_mutex_unlock(&lock);
        return at < 0 ? real_write(fd, bytes, length) : real_pwrite(fd, bytes, length, at);
    }
    int64_t from = at >= 0 ? at
        : fcntl(fd, F_GETFL) & O_APPEND ? size_of(fd)
        : lseek(fd, 0, SEEK_CUR);
    if (control[SLOW] && random_below(16) == 0)
        wait_for(control[SLOW]);
    /* The power can go in the middle of a write. */
    if (control[CUT] && control[CALLS] + 1 >= control[CUT] && control[TORN]) {
        remember(file, fd, from, length);
        if (at < 0)
            real_write(fd, bytes, length);
        else
            real_pwrite(fd, bytes, length, at);
    }
    if (comes())
        return fails(EIO);
    if (length > 1 && random_below(1000) < control[SHORT_ONES])
        length = 1 + random_below(length - 1);
    int64_t growth = from + (int64_t)length - size_of(fd);
    if (control[SPACE] >= 0 && growth > 0) {
        if (growth > control[SPACE]) {
            if ((int64_t)length <= growth - control[SPACE])
                return fails(ENOSPC);
            length -= growth - control[SPACE];
            growth = control[SPACE];
        }
        control[SPACE] -= growth;
    }
    remember(file, fd, from, length);
    ssize_t written = at < 0 ? real_write(fd, bytes, length) : real_pwrite(fd, bytes, length, at);
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return written;
}

ssize_t write(int fd, const void *bytes, size_t length) {
    return is_on() && fd >= 0 && fd < MAX_FD && of_fd[fd] > 0 ? write_at(fd, bytes, length, -1)
                                                               : real_write(fd, bytes, length);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
    return is_on() && fd >= 0 && fd < MAX_FD && of_fd[fd] > 0 ? write_at(fd, bytes, length, at)
                                                               : real_pwrite(fd, bytes, length, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) { return pwrite(fd, bytes, length, at); }

/* As one short write: whoever calls it goes on with what is left. */
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
    if (!is_on() || fd < 0 || fd >= MAX_FD || of_fd[fd] <= 0 || count <= 0)
        return real_pwritev(fd, parts, count, at);
    int first = 0;
    while (first < count - 1 && parts[first].iov_len == 0)
        first++;
    return write_at(fd, parts[first].iov_base, parts[first].iov_len, at);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) { return pwritev(fd, parts, count, at); }

static int sync_of(int fd, int (*real)(int)) {
    if (!is_on() || fd < 0 || fd >= MAX_FD || !of_fd[fd])
        return real(fd);
    pthread_mutex_lock(&lock);
    int64_t slow = control[SLOW];
    pthread_mutex_unlock(&lock);
    if (slow)
        wait_for(slow);
    pthread_mutex_lock(&lock);
    File *file = file_of(fd);
    int failed = comes();
    if (file) {
        synced(file, fd, failed);
    } else if (!failed && of_fd[fd] == -1) {
        for (int i = 0; i < change_count; i++)
            forget(&changes[i]);
        change_count = 0;
    }
    /* The real disk is not waited for: what it would lose is kept here. */
    if (failed)
        return fails(EIO);
    pthread_mutex_unlock(&lock);
    return 0;
}

int fsync(int fd) {
    pthread_once(&once, begin);
    return sync_of(fd, real_fsync);
}

int fdatasync(int fd) {
    pthread_once(&once, begin);
    return sync_of(fd, real_fdatasync);
}

int ftruncate(int fd, off_t size) {
    pthread_once(&once, begin);
    if (!control || fd < 0 || fd >= MAX_FD || of_fd[fd] <= 0)
        return real_ftruncate(fd, size);
    pthread_mutex_lock(&lock);
    File *file = file_of(fd);
    if (comes())
        return fails(EIO);
    int64_t before = size_of(fd);
    if (file && size < before)
        remember(file, fd, size, before - size);
    else if (file && size > before)
        remember(file, fd, before, 1);
    int result = real_ftruncate(fd, size);
    pthread_mutex_unlock(&lock);
    return result;
}

int ftruncate64(int fd, off64_t size) { return ftruncate(fd, size); }

int unlink(const char *path) {
    char full[PATH_MAX];
    struct stat found;
    if (!is_on() || !below(AT_FDCWD, path, full) || stat(full, &found) || ends_with(full, "-shm"))
        return real_unlink(path);
    pthread_mutex_lock(&lock);
    if (comes())
        return fails(EIO);
    Change *change = changed(DELETED, full);
    keep_as(change);
    int result = real_rename(full, change->kept);
    for (int i = 0; i < file_count; i++) {
        if (files[i].inode == found.st_ino && files[i].device == found.st_dev)
            strcpy(files[i].path, change->kept);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int rename(const char *path, const char *to) {
    char full[PATH_MAX], full_to[PATH_MAX];
    struct stat found;
    if (!is_on() || !below(AT_FDCWD, path, full) || !below(AT_FDCWD, to, full_to))
        return real_rename(path, to);
    pthread_mutex_lock(&lock);
    if (comes())
        return fails(EIO);
    Change *change = changed(RENAMED, full);
    strcpy(change->to, full_to);
    if (stat(full_to, &found) == 0) {
        keep_as(change);
        if (real_link(full_to, change->kept))
            change->kept[0] = 0;
    }
    int result = real_rename(full, full_to);
    if (result == 0 && stat(full_to, &found) == 0) {
        for (int i = 0; i < file_count; i++) {
            if (files[i].inode == found.st_ino && files[i].device == found.st_dev)
                strcpy(files[i].path, full_to);
        }
    } else if (result) {
        change_count--;
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int link(const char *path, const char *to) {
    char full[PATH_MAX];
    if (!is_on() || !below(AT_FDCWD, to, full))
        return real_link(path, to);
    pthread_mutex_lock(&lock);
    if (comes())
        return fails(EIO);
    int result = real_link(path, to);
    int error = errno;
    if (result == 0)
        changed(CREATED, full);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

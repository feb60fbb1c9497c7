/* SPDX-License-Identifier: MIT */
/* What another process has and gives when it is told: locks, a name to open, its own end. */
#include "abuse.h"

#include <fcntl.h>
#include <semaphore.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static struct {
    pthread_mutex_t mutex;
    sem_t semaphore;
    _Atomic bool given; /* by the holder, right before it gives up what it holds */
    _Atomic int inside;
} *shared;

static char path[64];
static long abusers;
static pid_t holder;
static int orders = -1; /* to the holder: a byte, "give"; the end, "look whether they have it" */

static void share_memory(void)
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
}

static void make_file(void)
{
    strcpy(path, "/tmp/abuse-XXXXXX");
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    close(fd);
}

/* Returns when the holder has what it holds. Hooks may be NULL; it ends with this process. */
static void start_holder(long count, void (*take)(void), void (*give)(void), void (*look)(void))
{
    int down[2], up[2];
    char byte;
    abusers = count;
    share_memory();
    CHECK(pipe2(down, O_CLOEXEC) == 0 && pipe2(up, O_CLOEXEC) == 0);
    holder = fork();
    CHECK(holder >= 0);
    if (holder == 0) {
        close(down[1]);
        if (take)
            take();
        CHECK(write(up[1], "t", 1) == 1);
        CHECK(read(down[0], &byte, 1) == 1);
        atomic_store(&shared->given, true);
        give();
        CHECK(read(down[0], &byte, 1) == 0);
        if (look)
            look();
        _exit(0);
    }
    close(down[0]);
    close(up[1]);
    orders = down[1];
    CHECK(read(up[0], &byte, 1) == 1);
    close(up[0]);
}

static void order_give(long count)
{
    (void)count;
    CHECK(write(orders, "g", 1) == 1);
}

static void end_holder(long count)
{
    int status;
    (void)count;
    close(orders);
    CHECK(waitpid(holder, &status, 0) == holder && status == 0);
    if (*path)
        unlink(path);
}

/* A lock that excludes others is really had: its holder gave it, and nobody else is in. */
static void be_inside(void)
{
    CHECK(atomic_load(&shared->given));
    CHECK(atomic_fetch_add(&shared->inside, 1) == 0);
    CHECK(atomic_fetch_sub(&shared->inside, 1) == 1);
}

/* flock */

static int locked_file;

static void take_flock(void)
{
    locked_file = open(path, O_RDWR | O_CLOEXEC);
    CHECK(locked_file >= 0 && flock(locked_file, LOCK_EX) == 0);
}

static void give_flock(void)
{
    close(locked_file);
}

static void prepare_flock(long count)
{
    make_file();
    start_holder(count, take_flock, give_flock, NULL);
}

static void wait_flock(long index)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    (void)index;
    CHECK(fd >= 0);
    abuse_enter();
    CHECK(flock(fd, LOCK_EX) == 0);
    be_inside();
    close(fd);
}

static long stuck_flock(void)
{
    return kernel_blocked(SYS_flock, 0, UINT16_MAX);
}

const struct abuse abuse_flock = {.name = "flock", .prepare = prepare_flock, .commit = wait_flock,
                                  .stuck = stuck_flock, .release = order_give,
                                  .finish = end_holder};

/* fcntl-lock: the locks belong to the process, so each abuser wants a byte of its own. */

static int bytes_file; /* closing any descriptor of it would drop the locks */

static void lock_bytes(short type, long start, long length)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    CHECK(fcntl(bytes_file, F_SETLKW, &lock) == 0);
}

static void take_bytes(void)
{
    lock_bytes(F_WRLCK, 0, MOST_ABUSERS);
}

static void give_bytes(void)
{
    lock_bytes(F_UNLCK, 0, MOST_ABUSERS);
}

static void look_at_bytes(void)
{
    for (long i = 0; i < abusers; i++) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = i, .l_len = 1};
        CHECK(fcntl(bytes_file, F_GETLK, &lock) == 0);
        CHECK(lock.l_type == F_WRLCK && lock.l_pid == getppid());
    }
}

static void prepare_bytes(long count)
{
    make_file();
    bytes_file = open(path, O_RDWR | O_CLOEXEC);
    CHECK(bytes_file >= 0);
    start_holder(count, take_bytes, give_bytes, look_at_bytes);
}

static void wait_byte(long index)
{
    abuse_enter();
    lock_bytes(F_WRLCK, index, 1);
    CHECK(atomic_load(&shared->given));
}

static long stuck_fcntl(void)
{
    return kernel_blocked(SYS_fcntl, (uintptr_t)bytes_file, (uintptr_t)bytes_file);
}

const struct abuse abuse_fcntl_lock = {.name = "fcntl-lock", .prepare = prepare_bytes,
                                       .commit = wait_byte, .stuck = stuck_fcntl,
                                       .release = order_give, .finish = end_holder};

/* shared-mutex, shared-semaphore */

static long stuck_shared(void)
{
    return kernel_blocked(SYS_futex, (uintptr_t)shared, (uintptr_t)(shared + 1));
}

static void take_mutex(void)
{
    pthread_mutexattr_t attributes;
    MUST(pthread_mutexattr_init(&attributes));
    MUST(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED));
    MUST(pthread_mutex_init(&shared->mutex, &attributes));
    MUST(pthread_mutex_lock(&shared->mutex));
}

static void give_mutex(void)
{
    MUST(pthread_mutex_unlock(&shared->mutex));
}

static void prepare_mutex(long count)
{
    start_holder(count, take_mutex, give_mutex, NULL);
}

static void wait_mutex(long index)
{
    (void)index;
    abuse_enter();
    MUST(pthread_mutex_lock(&shared->mutex));
    be_inside();
    MUST(pthread_mutex_unlock(&shared->mutex));
}

const struct abuse abuse_shared_mutex = {.name = "shared-mutex", .prepare = prepare_mutex,
                                         .commit = wait_mutex, .stuck = stuck_shared,
                                         .release = order_give, .finish = end_holder};

static void take_semaphore(void)
{
    CHECK(sem_init(&shared->semaphore, 1, 0) == 0);
}

static void give_semaphore(void)
{
    for (long i = 0; i < abusers; i++)
        CHECK(sem_post(&shared->semaphore) == 0);
}

static void prepare_semaphore(long count)
{
    start_holder(count, take_semaphore, give_semaphore, NULL);
}

static void wait_semaphore(long index)
{
    (void)index;
    abuse_enter();
    CHECK(sem_wait(&shared->semaphore) == 0);
    CHECK(atomic_load(&shared->given));
}

static void check_semaphore(long count)
{
    int left;
    CHECK(sem_getvalue(&shared->semaphore, &left) == 0 && left == 0);
    end_holder(count);
}

const struct abuse abuse_shared_semaphore = {.name = "shared-semaphore",
                                             .prepare = prepare_semaphore,
                                             .commit = wait_semaphore, .stuck = stuck_shared,
                                             .release = order_give, .finish = check_semaphore};

/* waitpid */

static pid_t children[MOST_ABUSERS];

static void start_children(long count)
{
    int down[2];
    char byte;
    CHECK(pipe2(down, O_CLOEXEC) == 0);
    for (long i = 0; i < count; i++) {
        children[i] = fork();
        CHECK(children[i] >= 0);
        if (children[i] == 0) {
            close(down[1]);
            CHECK(read(down[0], &byte, 1) == 0);
            _exit((int)i % 100 + 1);
        }
    }
    orders = down[1];
}

static void wait_child(long index)
{
    int status;
    abuse_enter();
    CHECK(waitpid(children[index], &status, 0) == children[index]);
    CHECK(atomic_load(&over) && WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == index % 100 + 1);
}

static long stuck_waitpid(void)
{
    return kernel_blocked(SYS_wait4, 0, UINT32_MAX);
}

static void end_children(long count)
{
    (void)count;
    close(orders);
}

const struct abuse abuse_waitpid = {.name = "waitpid", .prepare = start_children,
                                    .commit = wait_child, .stuck = stuck_waitpid,
                                    .release = end_children};

/* fifo-open: returns when somebody opens the other end. */

static void name_fifo(char *name, long index)
{
    sprintf(name, "%s/%ld", path, index);
}

static void make_fifos(long count)
{
    char name[96];
    strcpy(path, "/tmp/abuse-XXXXXX");
    CHECK(mkdtemp(path));
    for (long i = 0; i < count; i++) {
        name_fifo(name, i);
        CHECK(mkfifo(name, 0600) == 0);
    }
}

static void open_fifo(long index)
{
    char name[96], byte;
    name_fifo(name, index);
    abuse_enter();
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    CHECK(read(fd, &byte, 1) == 1 && byte == (char)index);
    close(fd);
}

static long stuck_open(void)
{
    return kernel_blocked(SYS_openat, 0, UINTPTR_MAX);
}

static void open_other_ends(long count)
{
    for (long i = 0; i < count; i++) {
        char name[96], byte = (char)i;
        name_fifo(name, i);
        int fd = open(name, O_WRONLY | O_CLOEXEC);
        CHECK(fd >= 0);
        CHECK(write(fd, &byte, 1) == 1);
        close(fd);
        unlink(name);
    }
    rmdir(path);
}

const struct abuse abuse_fifo_open = {.name = "fifo-open", .prepare = make_fifos,
                                      .commit = open_fifo, .stuck = stuck_open,
                                      .release = open_other_ends};

/* SPDX-License-Identifier: MIT */
/*
 * Streams: stdio(3), fopen(3), popen(3). glibc: libio/libioP.h, libio/fileops.c, libio/iopopen.c.
 *
 * Buffers, locks, error and end-of-file flags are libc's. At the bottom it calls its own read,
 * write and close through tables of functions (struct _IO_jump_t, the same since 1999) that it only
 * accepts in a section of its own: so their slots lead here. A stream's lock belongs to a
 * thread control block, and may be held while its coroutine is parked; who wants it
 * meanwhile waits inside libc, with a kernel thread. Slots may be called in regions: then they
 * do what libc did.
 */
#include "streams.h"

#include "descriptors.h"
#include "fd.h"
#include "inner.h"
#include "process.h"
#include "real.h"

#include <stdio.h>
#include <unistd.h>

enum {
    SLOT_READ = 14, /* after two unused ones, and twelve from finish to doallocate */
    SLOT_WRITE,
    SLOT_SEEK,
    SLOT_CLOSE,

    NOT_CANCELLED = 2, /* _IO_FLAGS2_NOTCANCEL: libc's own streams */
};

/* struct _IO_FILE_plus */
struct stream {
    FILE file;
    void **table;
};
_Static_assert(sizeof(FILE) == 216, "the tables are looked for behind this size");

typedef ssize_t read_function(FILE *stream, void *data, ssize_t count);
typedef ssize_t write_function(FILE *stream, const void *data, ssize_t count);
typedef int close_function(FILE *stream);

/* libc's own, set before a slot leads here. */
static read_function *libc_read;
static write_function *libc_write;
static close_function *libc_close, *libc_proc_close;

static _Atomic bool started, pipes_done;

/* The coroutine whose call may park, or NULL. */
static struct ut_coro *parking_caller(void)
{
    struct ut_coro *self = ut_shim_self();
    return self && !ut_region_open(self) ? self : NULL;
}

/*
 * Is it for us to read or write STREAM? Not a regular file: a region might end with waiting for a
 * lane, while all who print to the same log wait inside libc for the stream's lock.
 */
static bool may_park(FILE *stream)
{
    return parking_caller() && ut_fd_kind(stream->_fileno) != UT_FD_FILE;
}

static ssize_t read_slot(FILE *stream, void *data, ssize_t count)
{
    int state = PTHREAD_CANCEL_DISABLE;
    if (!may_park(stream))
        return libc_read(stream, data, count);
    if (stream->_flags2 & NOT_CANCELLED)
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    ssize_t result = read(stream->_fileno, data, (size_t)count);
    if (state == PTHREAD_CANCEL_ENABLE)
        pthread_setcancelstate(state, NULL);
    return result;
}

/* As _IO_new_file_write: on until everything is written or one call fails. */
static ssize_t write_all(FILE *stream, const char *data, ssize_t count)
{
    ssize_t done = 0;
    while (done < count) {
        ssize_t result = write(stream->_fileno, data + done, (size_t)(count - done));
        if (result < 0) {
            stream->_flags |= _IO_ERR_SEEN;
            break;
        }
        done += result;
    }
    if (stream->_offset >= 0)
        stream->_offset += done;
    return done;
}

static ssize_t write_slot(FILE *stream, const void *data, ssize_t count)
{
    int state = PTHREAD_CANCEL_DISABLE;
    if (!may_park(stream))
        return libc_write(stream, data, count);
    if (stream->_flags2 & NOT_CANCELLED)
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    ssize_t result = write_all(stream, data, count);
    if (state == PTHREAD_CANCEL_ENABLE)
        pthread_setcancelstate(state, NULL);
    return result;
}

/* Closing a stream is no cancellation point for libc: it could not be made undone. */
static struct ut_closing closing(FILE *stream)
{
    int state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    struct ut_closing closing = ut_descriptors_closing(parking_caller(), stream->_fileno);
    pthread_setcancelstate(state, NULL);
    return closing;
}

static int close_slot(FILE *stream)
{
    struct ut_closing now = closing(stream);
    int result = libc_close(stream);
    ut_descriptors_closed(&now);
    return result;
}

/* Waits for the child, too. */
static int proc_close_slot(FILE *stream)
{
    struct ut_closing now = closing(stream);
    ut_descriptors_closed(&now); /* a moment early: not when the child has ended */
    if (!parking_caller())
        return libc_proc_close(stream);
    return UT_REGION("pclose", true, libc_proc_close(stream));
}

/* Let the slots of TABLE lead here, if they hold what they should. True if they do. */
static bool redirect(void **table, void *close, void *our_close)
{
    return table && table[SLOT_READ] == (void *)libc_read &&
           table[SLOT_WRITE] == (void *)libc_write && table[SLOT_CLOSE] == close &&
           ut_inner_set_slot(&table[SLOT_READ], (void *)read_slot) &&
           ut_inner_set_slot(&table[SLOT_WRITE], (void *)write_slot) &&
           ut_inner_set_slot(&table[SLOT_CLOSE], our_close);
}

void ut_streams_start(void)
{
    libc_read = (read_function *)ut_real_find("_IO_file_read");
    libc_write = (write_function *)ut_real_find("_IO_file_write");
    libc_close = (close_function *)ut_real_find("_IO_file_close");
    libc_proc_close = (close_function *)ut_real_find("_IO_proc_close");
    struct stream *any = ut_real_find("_IO_2_1_stderr_");
    void **wide = ut_real_find("_IO_wfile_jumps"); /* of streams opened with a character set */
    if (!redirect(any ? any->table : NULL, (void *)libc_close, (void *)close_slot))
        ut_inner_left("streams");
    if (!redirect(wide, (void *)libc_close, (void *)close_slot))
        ut_inner_left("streams with a character set");
    atomic_store(&started, true);
}

/* Pipes to children have a table that only their streams know. */
static void redirect_pipes(FILE *stream)
{
    if (stream && atomic_load(&started) && !atomic_exchange(&pipes_done, true) &&
        !redirect(((struct stream *)stream)->table, (void *)libc_proc_close,
                  (void *)proc_close_slot))
        ut_inner_left("pipes to children");
}

/* Opening. What libc opens inside these, open(2) would have entered in the books. */

static FILE *opened(FILE *stream)
{
    if (stream)
        ut_descriptors_opened(stream->_fileno);
    return stream;
}

UT_EXPORT FILE *fopen(const char *restrict path, const char *restrict mode)
{
    return opened(UT_REGION("fopen", false, real(fopen)(path, mode)));
}
UT_ALIAS(fopen64, fopen); /* 64-bit machines only */

UT_EXPORT FILE *freopen(const char *restrict path, const char *restrict mode, FILE *restrict stream)
{
    __attribute__((cleanup(ut_descriptors_closed))) struct ut_closing replaced = {.fd = -1};
    if (stream->_fileno >= 0)
        replaced = ut_descriptors_closing(NULL, stream->_fileno);
    return opened(UT_REGION("freopen", false, real(freopen)(path, mode, stream)));
}
UT_ALIAS(freopen64, freopen);

UT_EXPORT FILE *popen(const char *command, const char *mode)
{
    ut_process_before_child();
    FILE *stream = opened(UT_REGION("popen", true, real(popen)(command, mode)));
    redirect_pipes(stream);
    return stream;
}

UT_EXPORT int pclose(FILE *stream)
{
    redirect_pipes(stream); /* it may be older than the runtime */
    void **table = ((struct stream *)stream)->table;
    if (table[SLOT_CLOSE] == (void *)proc_close_slot)
        return real(pclose)(stream);
    return UT_REGION("pclose", true, real(pclose)(stream));
}

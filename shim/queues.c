/* SPDX-License-Identifier: MIT */
/*
 * Queues and semaphores in the kernel: msgop(2), semop(2), mq_receive(3), mq_send(3). The other end
 * may be another process. Each is tried without waiting first; for System V's there is no readiness, so
 * waiting needs a kernel thread.
 */
#include "descriptors.h"
#include "fd.h"
#include "ours.h"
#include "real.h"

#include <fcntl.h>
#include <mqueue.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>

enum { FEW_OPERATIONS = 16 }; /* a longer semop is not copied for a first try */

/* System V messages */

UT_EXPORT ssize_t msgrcv(int queue, void *message, size_t size, long type, int flags)
{
    struct ut_coro *self = ut_shim_self();
    if (!self || (flags & (IPC_NOWAIT | MSG_COPY))) /* MSG_COPY alone is an error: left alone */
        return real(msgrcv)(queue, message, size, type, flags);
    ut_shim_cancellation_point(self);
    int saved = errno;
    ssize_t result = real(msgrcv)(queue, message, size, type, flags | IPC_NOWAIT);
    if (result >= 0 || errno != ENOMSG)
        return result;
    errno = saved;
    return UT_REGION("msgrcv", true, real(msgrcv)(queue, message, size, type, flags));
}

UT_EXPORT int msgsnd(int queue, const void *message, size_t size, int flags)
{
    struct ut_coro *self = ut_shim_self();
    if (!self || (flags & IPC_NOWAIT))
        return real(msgsnd)(queue, message, size, flags);
    ut_shim_cancellation_point(self);
    int saved = errno;
    int result = real(msgsnd)(queue, message, size, flags | IPC_NOWAIT);
    if (result >= 0 || errno != EAGAIN)
        return result;
    errno = saved;
    return UT_REGION("msgsnd", true, real(msgsnd)(queue, message, size, flags));
}

/* System V semaphores. They are no cancellation points. */

/* The first try: true if *RESULT and errno are final. All operations are done, or none. */
static bool semop_at_once(int set, const struct sembuf *operations, size_t count, int *result)
{
    struct sembuf impatient[FEW_OPERATIONS];
    if (!operations || count > FEW_OPERATIONS)
        return false;
    memcpy(impatient, operations, count * sizeof *operations);
    for (size_t i = 0; i < count; i++)
        impatient[i].sem_flg |= IPC_NOWAIT;
    int saved = errno;
    *result = real(semop)(set, impatient, count);
    if (*result == 0 || errno != EAGAIN)
        return true;
    errno = saved;
    return false;
}

UT_EXPORT int semop(int set, struct sembuf *operations, size_t count)
{
    int result;
    if (ut_shim_self() && semop_at_once(set, operations, count, &result))
        return result;
    return UT_REGION("semop", true, real(semop)(set, operations, count));
}

UT_EXPORT int semtimedop(int set, struct sembuf *operations, size_t count,
                         const struct timespec *timeout)
{
    int result;
    bool valid = !timeout || (ut_shim_valid_time(timeout) && timeout->tv_sec >= 0);
    if (ut_shim_self() && valid && semop_at_once(set, operations, count, &result))
        return result;
    return UT_REGION("semtimedop", valid, real(semtimedop)(set, operations, count, timeout));
}

/*
 * POSIX queues. On Linux their descriptors poll, so waiting needs no kernel thread: an attempt with a
 * deadline that has passed says ETIMEDOUT where the call would block (and EAGAIN for O_NONBLOCK), then
 * the wait is for the descriptor. One difference remains: the kernel does not see that somebody
 * waits for a message, so mq_notify(3) notifies although a thread is in mq_receive.
 */
struct queue_call {
    const char *why;
    int queue;
    enum ut_fd_direction direction;
    char *message;
    size_t size;
    unsigned *received_priority;
    unsigned priority;
    struct ut_fd_call file;
    bool waited;
};

/* Once, without waiting. -ETIMEDOUT: there is no message, or no room. */
static long attempt(struct queue_call *call)
{
    static const struct timespec long_ago = {.tv_sec = 0};
    long result = call->direction == UT_FD_READ
                      ? ut_syscall5(SYS_mq_timedreceive, call->queue, call->message, call->size,
                                    call->received_priority, &long_ago)
                      : ut_syscall5(SYS_mq_timedsend, call->queue, call->message, call->size,
                                    call->priority, &long_ago);
    /* O_NONBLOCK matters when the call begins only. */
    return call->waited && result == -EAGAIN ? -ETIMEDOUT : result;
}

/* Also when a cancellation unwinds. */
static void end_call(struct ut_fd_call **file)
{
    if (!(*file)->entry)
        return;
    ut_critical_begin();
    ut_fd_call_end(*file);
    ut_critical_end();
}

/* If the queue was closed under the call, go on with the duplicate. True if so, just now. */
static bool follow(struct queue_call *call)
{
    int moved_to =
        call->file.entry ? __atomic_load_n(&call->file.moved_to, __ATOMIC_ACQUIRE) : -1;
    if (moved_to < 0 || moved_to == call->queue)
        return false;
    call->queue = moved_to;
    return true;
}

/* Wait for readiness: 0: try again, or the error that ends the call. */
static int await(struct ut_coro *self, struct queue_call *call, const struct ut_fd_use *use,
                 int64_t deadline)
{
    call->waited = true;
    ut_critical_begin();
    int error = ut_fd_wait(use, &call->file, call->why, deadline);
    ut_critical_end();
    if (error == -EINTR) /* restarted even with a deadline, which is absolute */
        return ut_shim_attend(self, true);
    return error == -ESTALE ? 0 : error;
}

static long run(struct ut_coro *self, struct queue_call *call, int64_t deadline)
{
    __attribute__((cleanup(end_call), unused)) struct ut_fd_call *file = &call->file;
    struct ut_fd_use use;
    ut_shim_cancellation_point(self);
    for (;;) {
        follow(call);
        if (!ut_fd_use(&use, call->queue, call->direction))
            return -EBADF;
        long result = attempt(call);
        if (result == -EBADF && follow(call))
            continue;
        if (result >= 0) {
            ut_critical_begin();
            ut_fd_pass_on(&use); /* there may be more, for another thread that waits */
            ut_critical_end();
        }
        if (result != -ETIMEDOUT)
            return result;
        int error = await(self, call, &use, deadline);
        if (error)
            return error;
    }
}

/*
 * Will the kernel take DEADLINE? NULL means for ever, whatever the header says of it; volatile
 * keeps the compiler from believing the header.
 */
static bool is_deadline(const struct timespec *volatile deadline)
{
    const struct timespec *time = deadline;
    return !time || ut_shim_valid_time(time);
}

static int64_t runtime_deadline(const struct timespec *volatile deadline)
{
    const struct timespec *time = deadline;
    return time ? ut_shim_deadline(CLOCK_REALTIME, time) : UT_FOREVER;
}

static ssize_t receive(struct ut_coro *self, const char *why, mqd_t queue, char *message,
                       size_t size, unsigned *priority, int64_t deadline)
{
    struct queue_call call = {
        .why = why, .queue = queue, .direction = UT_FD_READ, .message = message, .size = size,
        .received_priority = priority,
    };
    return ut_shim_return(run(self, &call, deadline));
}

UT_EXPORT ssize_t mq_receive(mqd_t queue, char *message, size_t size, unsigned *priority)
{
    struct ut_coro *self = ut_shim_self();
    return self ? receive(self, "mq_receive", queue, message, size, priority, UT_FOREVER)
                : real(mq_receive)(queue, message, size, priority);
}

UT_EXPORT ssize_t mq_timedreceive(mqd_t queue, char *restrict message, size_t size,
                                  unsigned *restrict priority,
                                  const struct timespec *restrict deadline)
{
    struct ut_coro *self = ut_shim_self();
    if (!self || !is_deadline(deadline)) /* an error at once */
        return real(mq_timedreceive)(queue, message, size, priority, deadline);
    return receive(self, "mq_timedreceive", queue, message, size, priority,
                   runtime_deadline(deadline));
}

static int transmit(struct ut_coro *self, const char *why, mqd_t queue, const char *message,
                    size_t size, unsigned priority, int64_t deadline)
{
    struct queue_call call = {
        .why = why, .queue = queue, .direction = UT_FD_WRITE, .message = (char *)message,
        .size = size, .priority = priority,
    };
    return (int)ut_shim_return(run(self, &call, deadline));
}

UT_EXPORT int mq_send(mqd_t queue, const char *message, size_t size, unsigned priority)
{
    struct ut_coro *self = ut_shim_self();
    return self ? transmit(self, "mq_send", queue, message, size, priority, UT_FOREVER)
                : real(mq_send)(queue, message, size, priority);
}

UT_EXPORT int mq_timedsend(mqd_t queue, const char *message, size_t size, unsigned priority,
                           const struct timespec *deadline)
{
    struct ut_coro *self = ut_shim_self();
    if (!self || !is_deadline(deadline)) /* an error at once */
        return real(mq_timedsend)(queue, message, size, priority, deadline);
    return transmit(self, "mq_timedsend", queue, message, size, priority,
                    runtime_deadline(deadline));
}

/* The descriptors come and go past open and close. */

static mqd_t opened(mqd_t queue)
{
    if (queue >= 0 && ut_shim_started()) {
        ut_critical_begin();
        ut_fd_opened(queue, UT_FD_POLLABLE, false, false);
        ut_critical_end();
    }
    return queue;
}

UT_EXPORT mqd_t mq_open(const char *name, int flags, ...)
{
    mode_t mode = 0;
    struct mq_attr *attributes = NULL;
    if (flags & O_CREAT) {
        va_list rest;
        va_start(rest, flags);
        mode = va_arg(rest, mode_t);
        attributes = va_arg(rest, struct mq_attr *);
        va_end(rest);
    }
    return opened(real(mq_open)(name, flags, mode, attributes));
}

UT_EXPORT mqd_t __mq_open_2(const char *name, int flags)
{
    return opened(real(__mq_open_2)(name, flags));
}

UT_EXPORT int mq_close(mqd_t queue)
{
    if (!ut_shim_started())
        return real(mq_close)(queue);
    if (ut_ours_has(queue)) /* which does not exist */
        return (int)ut_shim_return(-EBADF);
    __attribute__((cleanup(ut_descriptors_closed), unused)) struct ut_closing closing =
        ut_descriptors_closing(NULL, queue);
    return real(mq_close)(queue);
}

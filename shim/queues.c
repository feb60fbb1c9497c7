/* SPDX-License-Identifier: MIT */
/*
 * Queues and semaphores in the kernel: msgop(2), semop(2), mq_receive(3), mq_send(3). The other end
 * may be another process, so waiting needs a kernel thread; each is tried without waiting first.
 */
#include "real.h"

#include <mqueue.h>
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

/* POSIX queues. A deadline that has passed makes the real function try once. */

static const struct timespec long_ago = {.tv_sec = 0};

/* After that try: true if RESULT and errno are final, else errno is SAVED again. */
static bool is_final(long result, int saved)
{
    if (result >= 0 || errno != ETIMEDOUT)
        return true;
    errno = saved;
    return false;
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

static ssize_t receive(struct ut_coro *self, const char *why, mqd_t queue, char *message,
                       size_t size, unsigned *priority, const struct timespec *deadline)
{
    ut_shim_cancellation_point(self);
    int saved = errno;
    ssize_t result = real(mq_timedreceive)(queue, message, size, priority, &long_ago);
    if (is_final(result, saved))
        return result;
    return UT_REGION(why, true, real(mq_timedreceive)(queue, message, size, priority, deadline));
}

UT_EXPORT ssize_t mq_receive(mqd_t queue, char *message, size_t size, unsigned *priority)
{
    struct ut_coro *self = ut_shim_self();
    return self ? receive(self, "mq_receive", queue, message, size, priority, NULL)
                : real(mq_receive)(queue, message, size, priority);
}

UT_EXPORT ssize_t mq_timedreceive(mqd_t queue, char *restrict message, size_t size,
                                  unsigned *restrict priority,
                                  const struct timespec *restrict deadline)
{
    struct ut_coro *self = ut_shim_self();
    if (!self || !is_deadline(deadline)) /* an error at once */
        return real(mq_timedreceive)(queue, message, size, priority, deadline);
    return receive(self, "mq_timedreceive", queue, message, size, priority, deadline);
}

static int transmit(struct ut_coro *self, const char *why, mqd_t queue, const char *message,
                    size_t size, unsigned priority, const struct timespec *deadline)
{
    ut_shim_cancellation_point(self);
    int saved = errno;
    int result = real(mq_timedsend)(queue, message, size, priority, &long_ago);
    if (is_final(result, saved))
        return result;
    return UT_REGION(why, true, real(mq_timedsend)(queue, message, size, priority, deadline));
}

UT_EXPORT int mq_send(mqd_t queue, const char *message, size_t size, unsigned priority)
{
    struct ut_coro *self = ut_shim_self();
    return self ? transmit(self, "mq_send", queue, message, size, priority, NULL)
                : real(mq_send)(queue, message, size, priority);
}

UT_EXPORT int mq_timedsend(mqd_t queue, const char *message, size_t size, unsigned priority,
                           const struct timespec *deadline)
{
    struct ut_coro *self = ut_shim_self();
    if (!self || !is_deadline(deadline)) /* an error at once */
        return real(mq_timedsend)(queue, message, size, priority, deadline);
    return transmit(self, "mq_timedsend", queue, message, size, priority, deadline);
}

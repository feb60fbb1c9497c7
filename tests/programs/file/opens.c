/* SPDX-License-Identifier: MIT */
/* open, openat and creat with flags that the compiler does not know: modes, the umask, directories,
 * links, temporary files, and every usual error; a POSIX message queue opened the same way. */
#include <fcntl.h>
#include <mqueue.h>
#include <sys/stat.h>

#include "check.h"

/* Volatile: the fortified variants then check at run time. */
static volatile int reading = O_RDONLY | O_CLOEXEC, writing = O_WRONLY | O_NONBLOCK;

static void show_mode(const char *path)
{
    struct stat status;
    must_sys(lstat(path, &status));
    say("%s %o\n", path, (unsigned)status.st_mode);
}

static void closes(int fd)
{
    expect(fd >= 0);
    expect(close(fd) == 0);
}

static void *opens(void *argument)
{
    int directory = (int)must_sys(open(".", reading | O_DIRECTORY));
    umask(027);
    closes(creat("created", 0666));
    show_mode("created");
    closes(openat(directory, "by-directory", O_CREAT | O_EXCL | O_RDWR, 0777));
    show_mode("by-directory");
    show_sys(openat(directory, "by-directory", O_CREAT | O_EXCL | O_RDWR, 0777));
    closes(open("by-directory", reading));
    closes(openat(directory, "by-directory", reading));
    closes(openat(AT_FDCWD, "by-directory", writing));
    int temporary = open(".", O_TMPFILE | O_RDWR, 0600);
    expect(temporary < 0 || write(temporary, "x", 1) == 1);
    close(temporary);
    must_sys(symlink("loop", "loop"));
    show_sys(open("loop", reading));
    show_sys(open("created", reading | O_DIRECTORY));
    show_sys(open("created/below", reading));
    show_sys(open("nothing", reading));
    show_sys(open("nothing", writing));
    show_sys(open("", reading));
    show_sys(open(bad_pointer, reading));
    show_sys(open(".", writing));
    show_sys(openat(-1, "created", reading));
    show_sys(openat(directory, "nothing", reading));
    show_sys(creat("nothing/below", 0600));
    show_sys(creat(".", 0600));
    char *name = malloc(5001);
    memset(name, 'n', 5000);
    name[5000] = 0;
    show_sys(open(name, reading));
    free(name);
    must_sys(unlinkat(directory, "by-directory", 0));
    must_sys(unlink("created"));
    must_sys(unlink("loop"));
    close(directory);
    return argument;
}

static void *opens_queues(void *argument)
{
    char name[32];
    snprintf(name, sizeof name, "/opens-%d", (int)getpid());
    mqd_t queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, NULL);
    if (queue == (mqd_t)-1 && errno == ENOSYS)
        return argument;
    must_sys(mq_close(queue));
    queue = mq_open(name, reading);
    struct mq_attr attributes;
    must_sys(mq_getattr(queue, &attributes));
    say("blocking %d\n", (attributes.mq_flags & O_NONBLOCK) == 0);
    must_sys(mq_close(queue));
    queue = mq_open(name, writing);
    must_sys(mq_getattr(queue, &attributes));
    say("blocking %d\n", (attributes.mq_flags & O_NONBLOCK) == 0);
    must_sys(mq_close(queue));
    must_sys(mq_unlink(name));
    show_sys(mq_open(name, reading));
    show_sys(mq_open("no-slash", reading));
    return argument;
}

int main(void)
{
    opens(NULL);
    join(start(opens, NULL));
    join(start(opens_queues, NULL));
    return finished();
}

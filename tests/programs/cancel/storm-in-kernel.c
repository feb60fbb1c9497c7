/* SPDX-License-Identifier: MIT */
/* Many threads at once in calls that wait in the kernel, all cancelled together, again and again;
 * others that wait in other calls are served all the while. */
#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "check.h"

enum { THREADS = 32, ROUNDS = 3, ECHOES = 4 };

static int queue, file, cleaned, echoed, pairs[ECHOES][2];
static int empty[2], sink[2];
static sem_t shared;
static pid_t child;

static void block(int which)
{
    char byte[32];
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    sigset_t none, usr1;
    int number;
    sigemptyset(&none);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    switch (which % 8) {
    case 0:
        msgrcv(queue, byte, 8, 0, 0);
        break;
    case 1:
        fcntl(file, F_OFD_SETLKW, &lock);
        break;
    case 2:
        open("fifo", O_RDONLY);
        break;
    case 3:
        sigwait(&usr1, &number);
        break;
    case 4:
        sigsuspend(&none);
        break;
    case 5:
        waitpid(child, NULL, WUNTRACED);
        break;
    case 6:
        sem_wait(&shared);
        break;
    default:
        tee(empty[0], sink[1], 1, 0);
    }
}

static void clean_up(void *argument)
{
    (void)argument;
    __atomic_fetch_add(&cleaned, 1, __ATOMIC_SEQ_CST);
}

static void *blocks(void *argument)
{
    pthread_cleanup_push(clean_up, NULL);
    block(index_of(argument));
    say("came back from %d: %s\n", index_of(argument) % 8, error_name(errno));
    pthread_cleanup_pop(0);
    return NULL;
}

static void *echoes(void *argument)
{
    char byte;
    int fd = pairs[index_of(argument)][0];
    while (recv(fd, &byte, 1, 0) == 1)
        must_sys(send(fd, &byte, 1, 0));
    return argument;
}

static void echo(void)
{
    char byte = 'x';
    for (int i = 0; i < ECHOES; i++) {
        must_sys(send(pairs[i][1], &byte, 1, 0));
        expect(recv(pairs[i][1], &byte, 1, 0) == 1);
        echoed++;
    }
}

int main(void)
{
    pthread_t threads[THREADS], servers[ECHOES];
    sigset_t usr1;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    must(pthread_sigmask(SIG_BLOCK, &usr1, NULL));
    child = child_that_waits();
    queue = (int)must_sys(msgget(IPC_PRIVATE, 0600));
    file = (int)must_sys(open("file", O_RDWR | O_CREAT, 0600));
    int holder = (int)must_sys(open("file", O_RDWR));
    must_sys(fcntl(holder, F_OFD_SETLK, &(struct flock){.l_type = F_WRLCK}));
    must_sys(mkfifo("fifo", 0600));
    must_sys(pipe(empty));
    must_sys(pipe(sink));
    must_sys(sem_init(&shared, 1, 0));
    for (int i = 0; i < ECHOES; i++)
        must_sys(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]));
    start_many(servers, ECHOES, echoes);
    for (int round = 0; round < ROUNDS; round++) {
        start_many(threads, THREADS, blocks);
        settle();
        echo();
        for (int i = 0; i < THREADS; i++) {
            must(pthread_cancel(threads[i]));
            if (i % 8 == 0)
                echo();
        }
        for (int i = 0; i < THREADS; i++)
            expect(join(threads[i]) == PTHREAD_CANCELED);
        echo();
    }
    for (int i = 0; i < ECHOES; i++)
        must_sys(shutdown(pairs[i][1], SHUT_RDWR));
    join_many(servers, ECHOES);
    say("cleaned %d, echoed %d\n", cleaned, echoed);
    must_sys(kill(child, SIGKILL));
    must_sys(waitpid(child, NULL, 0));
    must_sys(msgctl(queue, IPC_RMID, NULL));
    return finished();
}

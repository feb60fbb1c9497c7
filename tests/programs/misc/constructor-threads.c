/* SPDX-License-Identifier: MIT */
/* A library whose constructor makes threads and waits for them, while the loader's lock is held: opened by main
 * before there were any threads, by a thread, and in a child. */
#include <dlfcn.h>
#include <sys/wait.h>

#include "check.h"

static void *opens(void *who)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    expect(length > 0);
    path[length] = '\0';
    strcpy(strrchr(path, '/') + 1, "libconstructor.so");
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        say("%s\n", dlerror());
        exit(BROKEN_EXPECTATION);
    }
    int (*value)(void) = (int (*)(void))dlsym(library, "library_value");
    say("%s: %d\n", (char *)who, value());
    expect(dlclose(library) == 0);
    return who;
}

int main(void)
{
    int status;
    opens("main");
    join(start(opens, "thread"));
    pid_t child = (pid_t)must_sys(fork());
    if (child == 0) {
        opens("child");
        join(start(opens, "child's thread"));
        exit(7);
    }
    must_sys(waitpid(child, &status, 0));
    say("exited %d, %d\n", WIFEXITED(status), WEXITSTATUS(status));
    return finished();
}

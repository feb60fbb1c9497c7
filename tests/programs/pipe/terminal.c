/* SPDX-License-Identifier: MIT */
/* A pseudo-terminal: a thread reads lines that another types; hang-up. */
#include <fcntl.h>
#include <termios.h>

#include "check.h"

static int master, terminal;

static void *reads_lines(void *argument)
{
    char line[32] = "";
    show_sys(read(terminal, line, sizeof line));
    say("%s", line);
    show_sys(read(terminal, line, 2));
    say("terminal %d\n", isatty(terminal));
    must_sys(write(terminal, "answer", 6));
    return argument;
}

int main(void)
{
    char text[64] = "";
    struct termios settings;
    master = (int)must_sys(posix_openpt(O_RDWR | O_NOCTTY));
    must_sys(grantpt(master));
    must_sys(unlockpt(master));
    terminal = (int)must_sys(open(ptsname(master), O_RDWR | O_NOCTTY));
    must_sys(tcgetattr(terminal, &settings));
    settings.c_lflag &= ~(tcflag_t)ECHO;
    must_sys(tcsetattr(terminal, TCSANOW, &settings));
    pthread_t reader = start(reads_lines, NULL);
    settle();
    must_sys(write(master, "half a ", 7));
    settle();
    must_sys(write(master, "line\nxyz\n", 9));
    join(reader);
    show_sys(read(master, text, sizeof text));
    say("%s\n", text);
    close(terminal);
    show_sys(read(master, text, sizeof text));
    return finished();
}

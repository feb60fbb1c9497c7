/* SPDX-License-Identifier: MIT */
/*
 * A signal of the user's choice prints the account, sigaction(2). It is the runtime's own: the
 * program's actions for it are remembered, so that it can read them back, and never called. The
 * monitor always accepts it, so it comes even if the program blocks everything; it may end
 * a system call of the thread that the kernel gives it to, as any handler with SA_RESTART may.
 */
#include "summary.h"

#include "config.h"
#include "log.h"
#include "monitor.h"
#include "real.h"

#include <signal.h>

/* In the order of UNTHREAD_STATS_SIGNAL in settings.def. */
static const int numbers[] = {0, SIGUSR1, SIGUSR2, SIGHUP, SIGQUIT, SIGPWR, SIGWINCH};

bool ut_summary_owns(int number)
{
    return number && number == numbers[ut_config.stats_signal];
}

static void on_signal(int number)
{
    (void)number;
    if (ut_shim_started())
        ut_monitor_summarise();
    else
        ut_log_line("no thread has been made yet");
}

void ut_summary_take_signal(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    int number = numbers[ut_config.stats_signal];
    if (!number || ut_config.off)
        return;
    ut_monitor_accepts = UINT64_C(1) << (number - 1);
    real(sigaction)(number, &action, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Each thread's locale and rounding mode are its own; a new thread starts with the global
 * locale and inherits its creator's rounding mode. */
#include <fenv.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <wchar.h>

#include "check.h"

enum { THREADS = 30, ROUNDS = 50 };

static locale_t utf8;
static pthread_barrier_t step;

static void *routine(void *argument)
{
    int mine = index_of(argument);
    static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    expect(uselocale(NULL) == LC_GLOBAL_LOCALE);
    expect(fegetround() == FE_UPWARD);
    expect(MB_CUR_MAX == 1);
    expect(strcmp(strerror(ENOENT), "No such file or directory") == 0);
    if (mine % 2)
        expect(uselocale(utf8) == LC_GLOBAL_LOCALE);
    expect(fesetround(modes[mine % 4]) == 0);
    for (int i = 0; i < ROUNDS; i++) {
        if (i % 10 == 0)
            pthread_barrier_wait(&step);
        else
            sched_yield();
        expect(uselocale(NULL) == (mine % 2 ? utf8 : LC_GLOBAL_LOCALE));
        expect(MB_CUR_MAX == (mine % 2 ? 6 : 1));
        expect(fegetround() == modes[mine % 4]);
        volatile double one = 1, three = 3;
        double third = one / three;
        expect(mine % 4 == 1 ? third * 3 >= 1 : true);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    utf8 = newlocale(LC_ALL_MASK, "C.UTF-8", NULL);
    expect(utf8 != NULL);
    expect(fesetround(FE_UPWARD) == 0);
    must(pthread_barrier_init(&step, NULL, THREADS));
    for (int i = 0; i < 3; i++) {
        start_many(threads, THREADS, routine);
        join_many(threads, THREADS);
    }
    expect(uselocale(NULL) == LC_GLOBAL_LOCALE);
    freelocale(utf8);
    return finished();
}

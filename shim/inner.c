/* SPDX-License-Identifier: MIT */
#include "inner.h"

#include "config.h"
#include "lock.h"
#include "log.h"
#include "real.h"
#include "streams.h"

#include <link.h>

enum { PAGE = 4096 };

static struct ut_lock table_lock; /* between making a table writable and making it read-only */

void ut_inner_left(const char *what)
{
    ut_count(inner_calls_left);
    ut_log(UT_LOG_INFO, "inside libc %s cannot be redirected, and hold kernel threads", what);
}

/* Tables */

struct search {
    uintptr_t address;
    bool found;
};

/* Is the address in what the dynamic linker has made read-only of this object? Whole pages are. */
static int look_at_object(struct dl_phdr_info *object, size_t size, void *opaque)
{
    struct search *search = opaque;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &object->dlpi_phdr[i];
        uintptr_t start = object->dlpi_addr + header->p_vaddr, end = start + header->p_memsz;
        if (header->p_type == PT_GNU_RELRO && search->address >= start / PAGE * PAGE &&
            search->address < end / PAGE * PAGE)
            search->found = true;
    }
    return search->found;
}

bool ut_inner_set_slot(void **slot, void *function)
{
    struct search search = {.address = (uintptr_t)slot};
    void *page = (void *)(search.address / PAGE * PAGE);
    dl_iterate_phdr(look_at_object, &search);
    if (!search.found)
        return false;
    ut_critical_begin();
    ut_lock_acquire(&table_lock);
    bool done = ut_syscall3(SYS_mprotect, page, PAGE, PROT_READ | PROT_WRITE) == 0;
    if (done) {
        __atomic_store_n(slot, function, __ATOMIC_RELEASE);
        ut_syscall3(SYS_mprotect, page, PAGE, PROT_READ);
    }
    ut_lock_release(&table_lock);
    ut_critical_end();
    return done;
}

void ut_inner_start(void)
{
    static bool done; /* a forked child has the changed memory, too */
    if (done)
        return;
    done = true;
    if (!ut_config_leaves(UT_CONFIG_STDIO))
        ut_streams_start();
}

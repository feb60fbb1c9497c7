/* SPDX-License-Identifier: MIT */
#include "inner.h"

#include "config.h"
#include "lock.h"
#include "log.h"
#include "poll.h"
#include "real.h"
#include "streams.h"

#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>

enum { PAGE = 4096, LINKS_OF_ONE_TASK = 3 };

static bool polls;
static struct ut_lock table_lock; /* between making a table writable and making it read-only */

bool ut_inner_polls(void)
{
    return polls;
}

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

/* Code */

/* The kernel writes through the page's protection, into a copy that it makes for this process. */
static bool write_through_proc(void *address, uint64_t code)
{
    long memory = ut_syscall4(SYS_openat, AT_FDCWD, "/proc/self/mem", O_WRONLY | O_CLOEXEC, 0);
    if (memory < 0)
        return false;
    long written = ut_syscall4(SYS_pwrite64, memory, &code, sizeof code, address);
    ut_syscall1(SYS_close, memory);
    return written == sizeof code;
}

/*
 * After a set-user-ID call that file is closed to us. A changed copy takes the page's place, in one
 * step: it is never writable and executable at once, and until that step nothing has happened.
 */
static bool replace_page(void *address, uint64_t code)
{
    void *page = (void *)((uintptr_t)address / PAGE * PAGE);
    size_t offset = (uintptr_t)address % PAGE;
    char *copy = ut_sys_map(PAGE);
    if (!copy)
        return false;
    memcpy(copy, page, PAGE);
    memcpy(copy + offset, &code, sizeof code);
    if (ut_syscall3(SYS_mprotect, copy, PAGE, PROT_READ | PROT_EXEC) == 0 &&
        ut_syscall5(SYS_mremap, copy, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, page) >= 0)
        return true;
    ut_syscall2(SYS_munmap, copy, PAGE);
    return false;
}

/* Whoever runs the code while it is written may see half of it. */
static bool is_only_thread(void)
{
    struct stat tasks;
    return ut_syscall4(SYS_newfstatat, AT_FDCWD, "/proc/self/task", &tasks, 0) == 0 &&
           tasks.st_nlink == LINKS_OF_ONE_TASK;
}

static bool redirect(void *function, void *ours)
{
    uint64_t code, found;
    if (!ut_arch_encode_jump(function, ours, &code) || !is_only_thread() ||
        (!write_through_proc(function, code) && !replace_page(function, code)))
        return false;
    memcpy(&found, function, sizeof found);
    return found == code;
}

/* glibc: resolv/res_send.c. All its waiting for a name server's datagrams is in there. */
static void redirect_poll(void)
{
    polls = redirect((void *)real(poll), (void *)ut_poll_inner);
    if (polls)
        ut_real_replace(UT_SYMBOL_poll, (void *)ut_poll_native); /* the entry is ours now */
    else
        ut_inner_left("look-ups of names");
}

void ut_inner_start(void)
{
    static bool done; /* a forked child has the changed memory, too */
    if (done)
        return;
    done = true;
    if (!ut_config_leaves(UT_CONFIG_STDIO))
        ut_streams_start();
    if (!ut_config_leaves(UT_CONFIG_NAMES))
        redirect_poll();
}

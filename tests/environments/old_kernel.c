/* SPDX-License-Identifier: MIT */
/*
 * old_kernel WHAT,WHAT... PROGRAM [ARGUMENTS...]: run PROGRAM as if the kernel were older, or a
 * container's filter stricter. Each WHAT is one thing that is missing; the filter (seccomp(2))
 * gives the error that a kernel without it gives.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ANY = -1, WHOLE_CALL = 0 };

/* CALL fails with ERROR where its argument number ARGUMENT, masked, is VALUE. */
static const struct missing {
    const char *name;
    unsigned call;
    int argument; /* or ANY */
    unsigned mask, value;
    int error;
} all[] = {
    {"io_uring", SYS_io_uring_setup, ANY, WHOLE_CALL, 0, EPERM},
    {"rseq", SYS_rseq, ANY, WHOLE_CALL, 0, ENOSYS},
    {"membarrier", SYS_membarrier, ANY, WHOLE_CALL, 0, ENOSYS},
    {"clone3", SYS_clone3, ANY, WHOLE_CALL, 0, ENOSYS},
    {"close_range", SYS_close_range, ANY, WHOLE_CALL, 0, ENOSYS},
    {"pidfd", SYS_pidfd_open, ANY, WHOLE_CALL, 0, ENOSYS},
    {"epoll_pwait2", SYS_epoll_pwait2, ANY, WHOLE_CALL, 0, ENOSYS},
    {"sched_setattr", SYS_sched_setattr, ANY, WHOLE_CALL, 0, EPERM},
    {"preadv2", SYS_preadv2, ANY, WHOLE_CALL, 0, ENOSYS},
    {"pwritev2", SYS_pwritev2, ANY, WHOLE_CALL, 0, ENOSYS},
    {"nowait", SYS_preadv2, 5, 8, 8, EOPNOTSUPP}, /* RWF_NOWAIT */
    {"nowait", SYS_pwritev2, 5, 8, 8, EOPNOTSUPP},
    {"guards", SYS_madvise, 2, ~0u, 102, EINVAL}, /* MADV_GUARD_INSTALL */
    {"ptrace", SYS_ptrace, ANY, WHOLE_CALL, 0, EPERM},
    {"process_vm", SYS_process_vm_readv, ANY, WHOLE_CALL, 0, EPERM},
    {"process_vm", SYS_process_vm_writev, ANY, WHOLE_CALL, 0, EPERM},
    {"statx", SYS_statx, ANY, WHOLE_CALL, 0, ENOSYS},
    {"getrandom", SYS_getrandom, ANY, WHOLE_CALL, 0, ENOSYS},
};

enum { RULES = sizeof all / sizeof *all, STEPS = 6 };

static bool is_wanted(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strncmp(at, name, length) == 0 && (at[length] == ',' || at[length] == 0))
            return true;
    return false;
}

/* Each rule is STEPS instructions: those that do not apply jump over the rest of it. */
static size_t add_rule(struct sock_filter *code, const struct missing *rule)
{
    unsigned offset = offsetof(struct seccomp_data, nr);
    struct sock_filter step[STEPS] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, rule->call, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, rule->mask),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, rule->value, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)rule->error),
    };
    if (rule->argument != ANY)
        step[2].k = (unsigned)offsetof(struct seccomp_data, args) + 8u * (unsigned)rule->argument;
    memcpy(code, step, sizeof step);
    return STEPS;
}

int main(int argc, char **argv)
{
    struct sock_filter code[RULES * STEPS + 1];
    unsigned short size = 0;
    if (argc < 3)
        return 2;
    for (size_t i = 0; i < RULES; i++)
        if (is_wanted(argv[1], all[i].name))
            size += (unsigned short)add_rule(code + size, &all[i]);
    if (!size) {
        fprintf(stderr, "old_kernel: nothing of %s is known\n", argv[1]);
        return 2;
    }
    code[size++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {size, code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) {
        perror("old_kernel: seccomp");
        return 2;
    }
    execv(argv[2], argv + 2);
    perror(argv[2]);
    return 2;
}

/* SPDX-License-Identifier: MIT */
/*
 * When a program gains privileges by being executed the kernel says so (AT_SECURE), and the
 * loader drops LD_PRELOAD without a word. So this follows security/commoncap.c: secure is
 * an effective ID that differs from the real one afterwards, or capabilities from the file for
 * anybody but root. A set-user-ID-root program started by root gains nothing and is fine.
 */
#include "cli.h"

#include <endian.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

/* True if the file's capabilities would make the process a privileged one. */
static bool has_capabilities(const char *path)
{
    struct vfs_ns_cap_data data = { 0 };
    ssize_t size = getxattr(path, "security.capability", &data, sizeof data);

    if (size < (ssize_t)XATTR_CAPS_SZ_1)
        return false;
    return (le32toh(data.magic_etc) & VFS_CAP_FLAGS_EFFECTIVE) || data.data[0].permitted ||
           (size >= (ssize_t)XATTR_CAPS_SZ_2 && data.data[1].permitted);
}

bool cli_privilege_allows(const char *path, struct cli_reason *reason)
{
    struct statvfs filesystem;
    struct stat status;
    uid_t user = geteuid();
    gid_t group = getegid();
    bool honoured = statvfs(path, &filesystem) < 0 || !(filesystem.f_flag & ST_NOSUID);

    if (stat(path, &status) < 0)
        return true;
    if (honoured && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) {
        if (status.st_mode & S_ISUID)
            user = status.st_uid;
        if ((status.st_mode & S_ISGID) && (status.st_mode & S_IXGRP))
            group = status.st_gid;
    }
    if (user != getuid())
        return cli_because(reason, "runs set-user-ID: the loader would ignore the preload");
    if (group != getgid())
        return cli_because(reason, "runs set-group-ID: the loader would ignore the preload");
    if (honoured && getuid() != 0 && has_capabilities(path))
        return cli_because(reason, "has file capabilities: the loader would ignore the preload");
    return true;
}

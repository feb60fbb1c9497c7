/* SPDX-License-Identifier: MIT */
/*
 * slow_disk DIRECTORY: a file system in which every name like held-N or late-N is a file of 4 GiB. Reads and
 * fsync are answered after 100 ms in late-N, in held-N when told. It says "mounted", and ends on
 * SIGTERM.
 *
 * The size of the file `unanswered` is the number of requests to held files that wait. Making the
 * directory `answer` fails with EEXIST and lets them all go.
 *
 * One thread, so that requests need no lock: whatever is late is in a list, and answered from it.
 */
#define FUSE_USE_VERSION 34

#include <err.h>
#include <errno.h>
#include <fuse_lowlevel.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PAGE = 4096, LATE_MS = 100, UNANSWERED = 2, HELD = 1 << 20, LATE = 1 << 21 };
static const double FOREVER = 1e6;

struct waiting {
    struct waiting *next;
    fuse_req_t request;
    int64_t due; /* milliseconds; never, if it is held */
    fuse_ino_t file;
    off_t offset;
    size_t size; /* 0: fsync */
};

static struct waiting *waiting;

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void add(struct waiting what)
{
    struct waiting *entry = malloc(sizeof *entry), **end = &waiting;
    if (!entry)
        err(1, "malloc");
    *entry = what;
    entry->next = NULL;
    while (*end)
        end = &(*end)->next; /* all are equally late: in order of their time */
    *end = entry;
}

/* Word by word from the file's number and the place: see word_at in disk.c. */
static void answer(const struct waiting *what)
{
    if (what->size == 0) {
        fuse_reply_err(what->request, 0);
        return;
    }
    uint64_t *words = malloc(what->size), file = what->file & (HELD - 1);
    if (!words)
        err(1, "malloc");
    for (size_t i = 0; i < what->size / sizeof *words; i++)
        words[i] = (file << 40) + (uint64_t)what->offset + i * sizeof *words;
    fuse_reply_buf(what->request, (const char *)words, what->size / PAGE * PAGE);
    free(words);
}

/* Those that are due, or all that are held. */
static void answer_some(int64_t now, int held)
{
    for (struct waiting **link = &waiting; *link;) {
        struct waiting *entry = *link;
        if (held ? !(entry->file & HELD) : entry->due > now) {
            link = &entry->next;
            continue;
        }
        *link = entry->next;
        answer(entry);
        free(entry);
    }
}

static void describe(fuse_ino_t file, struct stat *status)
{
    *status = (struct stat){.st_ino = file, .st_nlink = 1, .st_mode = S_IFREG | 0666,
                            .st_size = (off_t)1 << 32};
    if (file == FUSE_ROOT_ID)
        status->st_mode = S_IFDIR | 0777;
    if (file != UNANSWERED)
        return;
    status->st_size = 0;
    for (struct waiting *entry = waiting; entry; entry = entry->next)
        status->st_size += (entry->file & HELD) != 0;
}

static double lasting(fuse_ino_t file)
{
    return file == UNANSWERED ? 0 : FOREVER;
}

static fuse_ino_t find(const char *name)
{
    unsigned number;
    if (strcmp(name, "unanswered") == 0)
        return UNANSWERED;
    if (sscanf(name, "held-%u", &number) == 1 && number < HELD)
        return HELD + number;
    if (sscanf(name, "late-%u", &number) == 1 && number < HELD)
        return LATE + number;
    return 0;
}

static void look_up(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    fuse_ino_t file = find(name);
    struct fuse_entry_param entry = {.ino = file, .attr_timeout = lasting(file),
                                     .entry_timeout = lasting(file)};
    (void)parent;
    if (!file) {
        fuse_reply_err(request, ENOENT);
        return;
    }
    describe(file, &entry.attr);
    fuse_reply_entry(request, &entry);
}

static void get_attributes(fuse_req_t request, fuse_ino_t file, struct fuse_file_info *info)
{
    struct stat status;
    (void)info;
    describe(file, &status);
    fuse_reply_attr(request, &status, lasting(file));
}

/* Nothing is kept from the last one who had it open. */
static void open_file(fuse_req_t request, fuse_ino_t file, struct fuse_file_info *info)
{
    (void)file;
    info->keep_cache = 0;
    fuse_reply_open(request, info);
}

static int64_t due(fuse_ino_t file)
{
    return file & HELD ? INT64_MAX : now_ms() + LATE_MS;
}

static void read_file(fuse_req_t request, fuse_ino_t file, size_t size, off_t offset,
                      struct fuse_file_info *info)
{
    (void)info;
    add((struct waiting){.request = request, .due = due(file), .file = file, .offset = offset,
                         .size = size});
}

static void sync_file(fuse_req_t request, fuse_ino_t file, int data, struct fuse_file_info *info)
{
    (void)data;
    (void)info;
    add((struct waiting){.request = request, .due = due(file), .file = file});
}

static void make_directory(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode)
{
    (void)parent;
    (void)mode;
    if (strcmp(name, "answer") == 0)
        answer_some(0, 1);
    fuse_reply_err(request, EEXIST);
}

/* By default a dozen page reads at a time: all the abusers' at once. */
static void begin(void *unused, struct fuse_conn_info *connection)
{
    (void)unused;
    connection->max_background = 1024;
    connection->congestion_threshold = 1024;
}

static void serve(struct fuse_session *session)
{
    struct fuse_buf buffer = {0};
    while (!fuse_session_exited(session)) {
        struct pollfd ready = {.fd = fuse_session_fd(session), .events = POLLIN};
        int64_t now = now_ms();
        answer_some(now, 0);
        int64_t next = INT64_MAX;
        for (struct waiting *entry = waiting; entry; entry = entry->next)
            next = entry->due < next ? entry->due : next;
        if (poll(&ready, 1, next == INT64_MAX ? -1 : (int)(next > now ? next - now : 0)) <= 0)
            continue;
        int length = fuse_session_receive_buf(session, &buffer);
        if (length > 0)
            fuse_session_process_buf(session, &buffer);
        else if (length != -EINTR && length != -EAGAIN)
            break;
    }
    free(buffer.mem);
}

int main(int count, char **words)
{
    static const struct fuse_lowlevel_ops operations = {
        .init = begin, .lookup = look_up, .getattr = get_attributes, .open = open_file,
        .read = read_file, .fsync = sync_file, .mkdir = make_directory,
    };
    struct fuse_args arguments = FUSE_ARGS_INIT(0, NULL);
    if (count != 2)
        errx(2, "usage: slow_disk DIRECTORY");
    fuse_opt_add_arg(&arguments, words[0]);
    struct fuse_session *session =
        fuse_session_new(&arguments, &operations, sizeof operations, NULL);
    if (!session || fuse_set_signal_handlers(session) != 0)
        errx(1, "no session");
    if (fuse_session_mount(session, words[1]) != 0)
        errx(1, "cannot mount");
    printf("mounted\n");
    fflush(stdout);
    serve(session);
    fuse_session_unmount(session);
    fuse_remove_signal_handlers(session);
    fuse_session_destroy(session);
    return 0;
}

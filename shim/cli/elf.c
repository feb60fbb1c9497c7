/* SPDX-License-Identifier: MIT */
/*
 * ELF headers of files that may be broken or hostile. Every structure is copied out of the file
 * with pread and looked at only if all of it was there; no offset of the file is ever used as
 * anything but an argument to pread.
 */
#include "cli.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* Our own header, in memory; the linker makes this symbol. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

/* The kernel's limit on the program headers, in bytes. */
#define HEADERS_MAX 65536

struct cli_elf cli_elf_self(void)
{
    return (struct cli_elf){
        .kind = CLI_ELF_DYNAMIC,
        .machine = __ehdr_start.e_machine,
        .class = __ehdr_start.e_ident[EI_CLASS],
    };
}

/* Reads exactly size bytes. */
static bool read_at(int descriptor, void *to, size_t size, uint64_t offset)
{
    char *next = to;

    while (size > 0) {
        ssize_t got;

        if (offset > INT64_MAX - size)
            return false;
        got = pread(descriptor, next, size, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        next += got;
        offset += (uint64_t)got;
        size -= (size_t)got;
    }
    return true;
}

/* e_machine is at the same place in both classes, but its byte order is the file's. */
static unsigned machine_of(const ElfW(Ehdr) *header)
{
    const unsigned char *bytes = (const unsigned char *)&header->e_machine;

    return header->e_ident[EI_DATA] == ELFDATA2MSB ? bytes[0] << 8 | bytes[1]
                                                   : bytes[1] << 8 | bytes[0];
}

static enum cli_elf_kind check_header(const ElfW(Ehdr) *header, struct cli_elf *elf)
{
    elf->machine = machine_of(header);
    elf->class = header->e_ident[EI_CLASS];
    if (elf->class != __ehdr_start.e_ident[EI_CLASS] ||
        header->e_ident[EI_DATA] != __ehdr_start.e_ident[EI_DATA] ||
        elf->machine != __ehdr_start.e_machine)
        return CLI_ELF_FOREIGN;
    if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
        return CLI_ELF_OTHER;
    if (header->e_phentsize != sizeof(ElfW(Phdr)) || header->e_phnum == 0 ||
        header->e_phnum > HEADERS_MAX / sizeof(ElfW(Phdr)))
        return CLI_ELF_BROKEN;
    return CLI_ELF_DYNAMIC;
}

/* The kernel wants the name to end with the segment; one zero earlier is a shorter name. */
static enum cli_elf_kind read_loader(int descriptor, const ElfW(Phdr) *segment,
                                     struct cli_elf *elf)
{
    size_t size = segment->p_filesz;

    if (size < 2 || size > sizeof elf->loader ||
        !read_at(descriptor, elf->loader, size, segment->p_offset) ||
        elf->loader[size - 1] != '\0' || elf->loader[0] == '\0')
        return CLI_ELF_BROKEN;
    return CLI_ELF_DYNAMIC;
}

/* A program without a loader is static; a loader is that too, but does read LD_PRELOAD. */
static enum cli_elf_kind check_segments(int descriptor, const ElfW(Ehdr) *header,
                                        struct cli_elf *elf)
{
    bool loadable = false;

    for (unsigned i = 0; i < header->e_phnum; i++) {
        ElfW(Phdr) segment;
        uint64_t offset = i * sizeof segment;

        if (__builtin_add_overflow(offset, header->e_phoff, &offset) ||
            !read_at(descriptor, &segment, sizeof segment, offset))
            return CLI_ELF_BROKEN;
        if (segment.p_type == PT_INTERP)
            return read_loader(descriptor, &segment, elf);
        loadable |= segment.p_type == PT_LOAD;
    }
    return loadable ? CLI_ELF_STATIC : CLI_ELF_BROKEN;
}

void cli_elf_inspect(int descriptor, struct cli_elf *elf)
{
    ElfW(Ehdr) header;

    memset(elf, 0, sizeof *elf);
    elf->kind = CLI_ELF_NOT;
    if (!read_at(descriptor, header.e_ident, SELFMAG, 0) ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
        return;
    elf->kind = CLI_ELF_BROKEN;
    if (!read_at(descriptor, &header, sizeof header, 0))
        return;
    elf->kind = check_header(&header, elf);
    if (elf->kind == CLI_ELF_DYNAMIC)
        elf->kind = check_segments(descriptor, &header, elf);
}

const char *cli_elf_machine(const struct cli_elf *elf, char *text, size_t size)
{
    static const struct {
        unsigned machine;
        const char *name;
    } names[] = {
        { EM_386, "i386" },       { EM_X86_64, "x86-64" }, { EM_ARM, "Arm" },
        { EM_AARCH64, "AArch64" }, { EM_RISCV, "RISC-V" },  { EM_PPC64, "POWER" },
        { EM_S390, "S/390" },     { EM_MIPS, "MIPS" },
    };
    const char *bits = elf->class == ELFCLASS32 ? "32-bit " : "";

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].machine == elf->machine) {
            snprintf(text, size, "%s%s", bits, names[i].name);
            return text;
        }
    snprintf(text, size, "%smachine %u", bits, elf->machine);
    return text;
}

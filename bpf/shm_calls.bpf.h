/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The numbers and arguments of the system calls that the tracepoint chain looks at. */
#ifndef MEMMON_SHM_CALLS_BPF_H
#define MEMMON_SHM_CALLS_BPF_H

#if defined(__TARGET_ARCH_x86)

#define call_number(regs) ((regs)->orig_ax)
#define call_argument_0(regs) BPF_CORE_READ(regs, di)
#define call_argument_1(regs) BPF_CORE_READ(regs, si)
#define call_argument_2(regs) BPF_CORE_READ(regs, dx)
#define call_argument_3(regs) BPF_CORE_READ(regs, r10)
#define call_argument_4(regs) BPF_CORE_READ(regs, r8)

enum {
	NR_WRITE = 1,
	NR_OPEN = 2,
	NR_MMAP = 9,
	NR_PWRITE64 = 18,
	NR_WRITEV = 20,
	NR_MADVISE = 28,
	NR_SENDFILE = 40,
	NR_FTRUNCATE = 77,
	NR_MKDIR = 83,
	NR_CREAT = 85,
	NR_LINK = 86,
	NR_SYMLINK = 88,
	NR_MKNOD = 133,
	NR_MLOCK = 149,
	NR_OPENAT = 257,
	NR_MKDIRAT = 258,
	NR_MKNODAT = 259,
	NR_LINKAT = 265,
	NR_SYMLINKAT = 266,
	NR_SPLICE = 275,
	NR_FALLOCATE = 285,
	NR_PWRITEV = 296,
	NR_MEMFD_CREATE = 319,
	NR_MLOCK2 = 325,
	NR_COPY_FILE_RANGE = 326,
	NR_PWRITEV2 = 328,
	NR_OPENAT2 = 437,
};

#elif defined(__TARGET_ARCH_arm64)

/* The first argument shares its register with the result. */
#define call_number(regs) ((u32)(regs)->syscallno)
#define call_argument_0(regs) BPF_CORE_READ(regs, orig_x0)
#define call_argument_1(regs) BPF_CORE_READ(regs, regs[1])
#define call_argument_2(regs) BPF_CORE_READ(regs, regs[2])
#define call_argument_3(regs) BPF_CORE_READ(regs, regs[3])
#define call_argument_4(regs) BPF_CORE_READ(regs, regs[4])

enum {
	NR_MKNODAT = 33,
	NR_MKDIRAT = 34,
	NR_SYMLINKAT = 36,
	NR_LINKAT = 37,
	NR_FTRUNCATE = 46,
	NR_FALLOCATE = 47,
	NR_OPENAT = 56,
	NR_WRITE = 64,
	NR_WRITEV = 66,
	NR_PWRITE64 = 68,
	NR_PWRITEV = 70,
	NR_SENDFILE = 71,
	NR_SPLICE = 76,
	NR_MMAP = 222,
	NR_MLOCK = 228,
	NR_MADVISE = 233,
	NR_MEMFD_CREATE = 279,
	NR_MLOCK2 = 284,
	NR_COPY_FILE_RANGE = 285,
	NR_PWRITEV2 = 287,
	NR_OPENAT2 = 437,
	/* not here: numbers that no call has */
	NR_OPEN = 1024,
	NR_MKDIR,
	NR_CREAT,
	NR_LINK,
	NR_SYMLINK,
	NR_MKNOD,
};

#endif

/* A bit per number below 512: most calls are turned away by it. */
#define CALL_WORDS 8
#define call_bit(word, nr) ((nr) / 64 == (word) ? 1ULL << ((nr) % 64) : 0)
#define call_word(w)                                                                       \
	(call_bit(w, NR_WRITE) | call_bit(w, NR_OPEN) | call_bit(w, NR_MMAP) |             \
	 call_bit(w, NR_PWRITE64) | call_bit(w, NR_WRITEV) | call_bit(w, NR_MADVISE) |     \
	 call_bit(w, NR_SENDFILE) | call_bit(w, NR_FTRUNCATE) | call_bit(w, NR_MKDIR) |    \
	 call_bit(w, NR_CREAT) | call_bit(w, NR_LINK) | call_bit(w, NR_SYMLINK) |          \
	 call_bit(w, NR_MKNOD) | call_bit(w, NR_MLOCK) | call_bit(w, NR_OPENAT) |          \
	 call_bit(w, NR_MKDIRAT) | call_bit(w, NR_MKNODAT) | call_bit(w, NR_LINKAT) |      \
	 call_bit(w, NR_SYMLINKAT) | call_bit(w, NR_SPLICE) | call_bit(w, NR_FALLOCATE) |  \
	 call_bit(w, NR_PWRITEV) | call_bit(w, NR_MEMFD_CREATE) | call_bit(w, NR_MLOCK2) | \
	 call_bit(w, NR_COPY_FILE_RANGE) | call_bit(w, NR_PWRITEV2) | call_bit(w, NR_OPENAT2))

const volatile __u64 call_words[CALL_WORDS] = {
	call_word(0), call_word(1), call_word(2), call_word(3),
	call_word(4), call_word(5), call_word(6), call_word(7),
};

#endif

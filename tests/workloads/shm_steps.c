/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shm_steps DIRECTORY: uses a tmpfs that is mounted there, alone, in every way that charges or frees
 * its pages, or fails as it is full. Before the first step and after each it says
 *   NAME USED ERRORS
 * with the bytes that statfs(2) has as used, and the failures that it saw in that step, then waits
 * for a line. The tmpfs should be of 16 MiB and 64 inodes.
 */
#include "workload.h"

#include <linux/io_uring.h>
#include <sys/ipc.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define PAGE ((unsigned long)sysconf(_SC_PAGESIZE))
#define CHUNK (256 * 1024UL)

static const char *directory;
static char *source; /* CHUNK touched bytes of private memory */
static unsigned int failures;

static void step(const char *name)
{
	struct statfs fs;

	if (statfs(directory, &fs))
		die("statfs");
	say("%s %llu %u", name,
	    (unsigned long long)(fs.f_blocks - fs.f_bfree) * (unsigned long long)fs.f_bsize,
	    failures);
	failures = 0;
	wait_for_line();
}

static unsigned long free_bytes(void)
{
	struct statfs fs;

	if (statfs(directory, &fs))
		die("statfs");
	return (unsigned long)fs.f_bfree * (unsigned long)fs.f_bsize;
}

static void path_of(char *path, size_t len, const char *name)
{
	snprintf(path, len, "%s/%s", directory, name);
}

static int open_file(const char *name, int flags)
{
	char path[4096];
	int fd;

	path_of(path, sizeof(path), name);
	fd = open(path, flags | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		die(name);
	return fd;
}

static void remove_file(const char *name)
{
	char path[4096];

	path_of(path, sizeof(path), name);
	if (unlink(path))
		die(name);
}

static void fill(int fd, unsigned long bytes)
{
	for (unsigned long at = 0; at < bytes; at += CHUNK) {
		unsigned long n = bytes - at < CHUNK ? bytes - at : CHUNK;

		if (write(fd, source, n) != (ssize_t)n)
			die("write");
	}
}

/* A failure that this program must see. */
static void expect(int failed, int error, const char *what)
{
	if (!failed || errno != error)
		die(what);
	failures++;
}

static char *map_file(int fd, size_t bytes, int flags)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | flags, fd, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

/* ---- system calls ---- */

static void writes(void)
{
	struct iovec three[3] = { { source, 5000 }, { source, 70000 }, { source, 1 } };
	int fd = open_file("written", O_CREAT);

	fill(fd, MIB);
	step("write");
	if (pwrite(fd, source, 10000, 2 * MIB + 100) != 10000)
		die("pwrite");
	step("pwrite");
	if (writev(fd, three, 3) != 75001)
		die("writev");
	if (pwritev(fd, three, 3, 3 * MIB) != 75001)
		die("pwritev");
	if (pwritev2(fd, three, 3, 4 * MIB, 0) != 75001)
		die("pwritev2");
	step("vectors");
	if (fallocate(fd, 0, 5 * MIB, 2 * MIB))
		die("fallocate");
	step("fallocate");
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 5 * MIB, MIB))
		die("punch");
	step("punch");
	if (ftruncate(fd, 100000))
		die("ftruncate");
	step("ftruncate");
	close(fd);
	fd = open_file("written", O_TRUNC);
	step("open-truncate");
	close(fd);
}

static void moves(void)
{
	int from = open_file("from", O_CREAT), to = open_file("to", O_CREAT), fds[2];
	off_t at = 0;
	loff_t in = 0, out = 4 * MIB;

	fill(from, MIB);
	if (sendfile(to, from, &at, MIB) != (ssize_t)MIB)
		die("sendfile");
	step("sendfile");
	make_pipe(fds);
	if (write(fds[1], source, 32768) != 32768)
		die("write to a pipe");
	if (splice(fds[0], NULL, to, &out, 32768, 0) != 32768)
		die("splice");
	step("splice");
	out = 8 * MIB;
	if (copy_file_range(from, &in, to, &out, CHUNK, 0) != (ssize_t)CHUNK)
		die("copy_file_range");
	step("copy-file-range");
	close(fds[0]);
	close(fds[1]);
	close(from);
	close(to);
	remove_file("from");
	remove_file("to");
	step("unlink");
}

/*
 * Writes CHUNK through io_uring, with bare system calls. Returns what the write returned, or -ENOSYS
 * where there is no io_uring.
 */
static int uring_write(int fd)
{
	struct io_uring_params p = { 0 };
	int ring = (int)syscall(SYS_io_uring_setup, 1, &p), result;
	size_t sq_bytes, cq_bytes;
	struct io_uring_sqe *sqe;
	char *sq, *cq;

	if (ring < 0)
		return -ENOSYS;
	sq_bytes = p.sq_off.array + p.sq_entries * sizeof(unsigned int);
	cq_bytes = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
	sq = mmap(NULL, sq_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	cq = mmap(NULL, cq_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_CQ_RING);
	sqe = mmap(NULL, sizeof(*sqe), PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || sqe == MAP_FAILED)
		die("mmap of the ring");
	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = IORING_OP_WRITE;
	sqe->fd = fd;
	sqe->addr = (uintptr_t)source;
	sqe->len = CHUNK;
	*(unsigned int *)(sq + p.sq_off.array) = 0;
	__atomic_store_n((unsigned int *)(sq + p.sq_off.tail), 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 1)
		die("io_uring_enter");
	result = ((struct io_uring_cqe *)(cq + p.cq_off.cqes))->res;
	munmap(sq, sq_bytes);
	munmap(cq, cq_bytes);
	munmap(sqe, sizeof(*sqe));
	close(ring);
	return result;
}

static void uring(void)
{
	int fd = open_file("uring", O_CREAT), result = uring_write(fd);

	if (result != (int)CHUNK && result != -ENOSYS)
		die("the write through io_uring");
	step("uring");
	close(fd);
	remove_file("uring");
}

static void links(void)
{
	char target[2048], path[4096];
	int fd = open_file("replacement", O_CREAT);
	char other[4096];

	memset(target, 'x', sizeof(target) - 1);
	target[sizeof(target) - 1] = '\0';
	path_of(path, sizeof(path), "symlink");
	if (symlink(target, path))
		die("symlink");
	step("symlink");
	if (unlink(path))
		die("unlink");
	fill(fd, MIB);
	close(fd);
	fd = open_file("replaced", O_CREAT);
	fill(fd, 2 * MIB);
	close(fd);
	step("two-files");
	path_of(path, sizeof(path), "replacement");
	path_of(other, sizeof(other), "replaced");
	if (rename(path, other))
		die("rename");
	step("rename");
	if (truncate(other, 5000))
		die("truncate");
	step("truncate");
	remove_file("replaced");
}

/* ---- mappings ---- */

static void mappings(void)
{
	int fd = open_file("mapped", O_CREAT);
	volatile char sum = 0;
	pid_t child;
	char *p;

	if (ftruncate(fd, 4 * MIB))
		die("ftruncate");
	p = map_file(fd, 4 * MIB, 0);
	touch(p, MIB);
	step("touch");
	for (size_t at = MIB; at < 2 * MIB; at += PAGE)
		sum = (char)(sum + p[at]);
	step("read-holes");
	if (pread(open("/dev/zero", O_RDONLY | O_CLOEXEC), p + 2 * MIB, CHUNK, 0) != (ssize_t)CHUNK)
		die("read into the mapping");
	step("read-into");
	if (madvise(p + 3 * MIB, CHUNK, MADV_REMOVE) || madvise(p, CHUNK, MADV_REMOVE))
		die("madvise");
	step("madvise-remove");
	munmap(p, 4 * MIB);
	step("munmap");
	p = map_file(fd, 4 * MIB, MAP_POPULATE);
	step("populate");
	child = fork_or_die();
	if (child == 0) {
		if (ftruncate(fd, 6 * MIB))
			die("ftruncate");
		touch(map_file(fd, 6 * MIB, 0) + 4 * MIB, 2 * MIB);
		_exit(0);
	}
	reap(child);
	step("fork");
	remove_file("mapped");
	step("unlink-held");
	munmap(p, 4 * MIB);
	close(fd);
	step("close");
	child = fork_or_die();
	if (child == 0) {
		fd = open_file("child", O_CREAT);
		fill(fd, MIB);
		remove_file("child");
		_exit(0);
	}
	reap(child);
	step("exit");
}

/* Not of the mounted tmpfs: its figures must not change. */
static void elsewhere(void)
{
	int fd = memfd_create("steps", MFD_CLOEXEC);
	int id = shmget(IPC_PRIVATE, MIB, 0600);
	char *segment = id < 0 ? (char *)-1 : shmat(id, NULL, 0);
	char *shared = map(MIB, MAP_SHARED);

	if (fd < 0 || segment == (char *)-1)
		die("memfd_create, shmget, shmat");
	fill(fd, MIB);
	touch(segment, MIB);
	touch(shared, MIB);
	step("elsewhere");
	if (shmctl(id, IPC_RMID, NULL) || shmdt(segment))
		die("shmctl, shmdt");
	munmap(shared, MIB);
	close(fd);
}

/* ---- the wall ---- */

static void full_write(void)
{
	int fd = open_file("full", O_CREAT), result;
	unsigned long room = free_bytes();

	fill(fd, room - 2 * PAGE);
	if (write(fd, source, CHUNK) != (ssize_t)(2 * PAGE))
		die("the write that crosses the limit");
	failures++;
	expect(write(fd, source, CHUNK) < 0, ENOSPC, "the write after it"); /* the same failure */
	failures--;
	step("full-write");
	expect(write(fd, source, 1) < 0, ENOSPC, "a write once more");
	failures--;
	step("full-again");
	if (ftruncate(fd, (off_t)(room - PAGE)))
		die("ftruncate");
	if (lseek(fd, 0, SEEK_END) < 0 || write(fd, source, PAGE) != (ssize_t)PAGE)
		die("write");
	expect(write(fd, source, PAGE) < 0, ENOSPC, "a write after something was freed");
	step("full-anew");
	close(fd);
	fd = open_file("more", O_CREAT);
	result = uring_write(fd);
	if (result != -ENOSYS && result != -ENOSPC)
		die("the write through io_uring");
	failures = result == -ENOSPC;
	step("full-uring");
	close(fd);
	remove_file("more");
	remove_file("full");
	step("freed");
}

static void full_fallocate(void)
{
	int fd = open_file("full", O_CREAT);
	unsigned long room = free_bytes();

	expect(fallocate(fd, 0, 0, (off_t)(room + PAGE)) < 0, ENOSPC, "fallocate");
	step("full-fallocate");
	expect(fallocate(fd, 0, 0, (off_t)(room + PAGE)) < 0, ENOSPC, "fallocate");
	failures--;
	step("full-fallocate-again");
	fill(fd, PAGE);
	expect(fallocate(fd, 0, 0, (off_t)(1024 * MIB)) < 0, ENOSPC, "fallocate of 1 GiB");
	step("full-fallocate-large");
	close(fd);
	remove_file("full");
}

static void full_touch(void)
{
	unsigned long room = free_bytes();
	int fd = open_file("full", O_CREAT), status;
	pid_t child;
	char *p;

	if (ftruncate(fd, (off_t)(room + MIB)))
		die("ftruncate");
	child = fork_or_die();
	if (child == 0) {
		touch(map_file(fd, room + MIB, 0), room + MIB);
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child || !WIFSIGNALED(status) ||
	    WTERMSIG(status) != SIGBUS)
		die("the child did not die of SIGBUS");
	failures++;
	step("full-touch");
	/* beyond the end of the file: a SIGBUS that has nothing to do with the limit */
	child = fork_or_die();
	if (child == 0) {
		p = map_file(fd, room + 2 * MIB, 0);
		touch(p + room + MIB, PAGE);
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child || !WIFSIGNALED(status))
		die("the child did not die");
	step("beyond-the-end");
	p = map_file(fd, room + MIB, 0);
	expect(read(open("/dev/zero", O_RDONLY | O_CLOEXEC), p + room + MIB - PAGE, PAGE) < 0,
	       EFAULT, "read into the full mapping");
	step("full-copy");
	munmap(p, room + MIB);
	close(fd);
	remove_file("full");
}

static void full_move(void)
{
	unsigned long room = free_bytes() - MIB;
	int from = open_file("from", O_CREAT), to;
	off_t at = 0;

	fill(from, MIB);
	to = open_file("to", O_CREAT);
	fill(to, room - CHUNK);
	if (sendfile(to, from, &at, MIB) != (ssize_t)CHUNK)
		die("the sendfile that crosses the limit");
	failures++;
	step("full-sendfile");
	close(from);
	close(to);
	remove_file("from");
	remove_file("to");
}

static void full_open(void)
{
	char path[4096], name[32];
	unsigned int made = 0;
	int fd;

	for (;; made++) {
		snprintf(name, sizeof(name), "inode%u", made);
		path_of(path, sizeof(path), name);
		fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
		if (fd < 0)
			break;
		close(fd);
	}
	expect(1, ENOSPC, "open");
	step("full-open");
	path_of(path, sizeof(path), "directory");
	expect(mkdir(path, 0700) < 0, ENOSPC, "mkdir");
	failures--;
	step("full-mkdir");
	while (made > 0) {
		snprintf(name, sizeof(name), "inode%u", --made);
		remove_file(name);
	}
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		dprintf(STDERR_FILENO, "usage: shm_steps DIRECTORY\n");
		return 125;
	}
	directory = argv[1];
	source = map_touched(CHUNK, MAP_PRIVATE);
	step("begin");
	writes();
	moves();
	uring();
	links();
	mappings();
	elsewhere();
	full_write();
	full_fallocate();
	full_touch();
	full_move();
	full_open();
	step("end");
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * loads NAME COUNT [FILE]: one load, COUNT turns of it; the table at the end has them. A load does
 * nothing but that, so that the CPU time of its process is what it costs.
 */
#include <malloc.h>
#include <pthread.h>
#include <time.h>

#include "../workloads/workload.h"

#define STORM_BYTES (32 * MIB)
#define BLOCK_BYTES (8 * MIB)
#define SHM_PATH "/dev/shm/memmon-bench"

static const char *file; /* argv[3]: 64 MiB, in the page cache */

/* Fresh anonymous pages, in no huge ones: an event each. */
static void storm(unsigned long turns)
{
	for (unsigned long i = 0; i < turns; i++) {
		char *p = map(STORM_BYTES, MAP_PRIVATE);

		madvise(p, STORM_BYTES, MADV_NOHUGEPAGE);
		touch(p, STORM_BYTES);
		unmap(p, STORM_BYTES);
	}
}

static void *storm_thread(void *turns)
{
	storm(*(unsigned long *)turns);
	return NULL;
}

static void two_threads(unsigned long turns)
{
	pthread_t other;

	if (pthread_create(&other, NULL, storm_thread, &turns))
		die("pthread_create");
	storm(turns);
	pthread_join(other, NULL);
}

static void exec_storm(unsigned long turns)
{
	for (unsigned long i = 0; i < turns; i++) {
		pid_t pid = fork_or_die();

		if (pid == 0) {
			execl("/bin/true", "true", (char *)NULL);
			die("/bin/true");
		}
		reap(pid);
	}
}

/* A memset that the compiler may not leave out because of the free after it. */
static void fill(char *p, size_t bytes)
{
	memset(p, 1, bytes);
	__asm__ volatile("" : : "r"(p) : "memory");
}

/* malloc maps and unmaps each block anew: without the first line it would learn to keep it. */
static void blocks(unsigned long turns)
{
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
	for (unsigned long i = 0; i < turns; i++) {
		char *volatile p = malloc(BLOCK_BYTES);

		if (!p)
			die("malloc");
		fill(p, BLOCK_BYTES);
		free(p);
	}
}

static int open_file(void)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die(file);
	return fd;
}

static void file_reads(unsigned long turns)
{
	static char buffer[1 << 16];
	int fd = open_file();

	for (unsigned long i = 0; i < turns; i++)
		for (off_t at = 0; pread(fd, buffer, sizeof(buffer), at) > 0;)
			at += (off_t)sizeof(buffer);
	close(fd);
}

static int open_shm(void)
{
	int fd = open(SHM_PATH, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || unlink(SHM_PATH))
		die(SHM_PATH);
	return fd;
}

static void shm_mapping(unsigned long turns)
{
	int fd = open_shm();

	for (unsigned long i = 0; i < turns; i++) {
		char *p;

		if (ftruncate(fd, 0) || ftruncate(fd, (off_t)STORM_BYTES))
			die("ftruncate");
		p = mmap(NULL, STORM_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (p == MAP_FAILED)
			die("mmap");
		touch(p, STORM_BYTES);
		unmap(p, STORM_BYTES);
	}
	close(fd);
}

static void shm_writes(unsigned long turns)
{
	static char buffer[1 << 16];
	int fd = open_shm();

	for (unsigned long i = 0; i < turns; i++) {
		if (ftruncate(fd, 0))
			die("ftruncate");
		for (size_t at = 0; at < STORM_BYTES; at += sizeof(buffer))
			if (pwrite(fd, buffer, sizeof(buffer), (off_t)at) != sizeof(buffer))
				die("pwrite");
	}
	close(fd);
}

/* A thousand times each turn: one page of a cached file in and out, two events. */
static void file_page(unsigned long turns)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int fd = open_file();
	volatile char *p = mmap(NULL, page, PROT_READ, MAP_PRIVATE, fd, 0);

	if (p == MAP_FAILED)
		die("mmap");
	for (unsigned long i = 0; i < turns * 1000; i++) {
		(void)*p;
		if (madvise((void *)p, page, MADV_DONTNEED))
			die("madvise");
	}
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* What is resident without the spike, in bytes. */
static unsigned long resident(void)
{
	unsigned long size = 0, pages = 0;
	FILE *statm = fopen("/proc/self/statm", "re");

	if (!statm || fscanf(statm, "%lu %lu", &size, &pages) != 2)
		die("/proc/self/statm");
	fclose(statm);
	return pages * (unsigned long)sysconf(_SC_PAGESIZE);
}

/* As it will be at the spike: the first look brings in what looking takes. */
static unsigned long rest(void)
{
	resident();
	return resident();
}

/* Samplers get their chance before and after; what the spike came to is said in the end. */
static void calm(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 330000000 }, NULL);
}

static void say_spike(unsigned long bytes, unsigned long before, double ms)
{
	say("spike_bytes %lu peak_bytes %lu ms %.1f", bytes, before + bytes, ms);
}

/* `mib` by malloc, filled and freed. */
static void heap_spike(unsigned long mib)
{
	unsigned long before;
	char *volatile p;
	double from;

	calm();
	before = rest();
	from = now_ms();
	p = malloc(mib * MIB);
	if (!p)
		die("malloc");
	fill(p, mib * MIB);
	free(p);
	from = now_ms() - from;
	calm();
	say_spike(mib * MIB, before, from);
}

/* A mapping of cached pages, `mib` of them, in and out: the most that can come and go in 3 ms. */
static void file_spike(unsigned long mib)
{
	unsigned long before;
	int fd = open_file();
	double from;
	char *p;

	calm();
	before = rest();
	from = now_ms();
	p = mmap(NULL, mib * MIB, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (p == MAP_FAILED)
		die("mmap");
	unmap(p, mib * MIB);
	from = now_ms() - from;
	calm();
	say_spike(mib * MIB, before, from);
}

/* `children` that do nothing, until we are killed. */
static void crowd(unsigned long children)
{
	for (unsigned long i = 0; i < children; i++)
		if (fork_or_die() == 0)
			for (;;)
				pause();
	say("ready");
	for (;;)
		pause();
}

static const struct {
	const char *name;
	void (*run)(unsigned long count);
} loads[] = {
	{ "storm", storm },           { "two-threads", two_threads },
	{ "exec-storm", exec_storm }, { "blocks", blocks },
	{ "file-reads", file_reads }, { "shm-mapping", shm_mapping },
	{ "shm-writes", shm_writes }, { "file-page", file_page },
	{ "heap-spike", heap_spike }, { "file-spike", file_spike },
	{ "crowd", crowd },
};

int main(int argc, char **argv)
{
	unsigned long count = argument(argc, argv, 2, 1);

	file = argc > 3 ? argv[3] : "/proc/self/exe";
	for (size_t i = 0; argc > 1 && i < sizeof(loads) / sizeof(loads[0]); i++) {
		if (strcmp(loads[i].name, argv[1]) == 0) {
			loads[i].run(count);
			return 0;
		}
	}
	dprintf(STDERR_FILENO, "loads: no such load\n");
	return 2;
}

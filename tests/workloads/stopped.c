/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stopped FILE [THREADS]: touches memory of each kind, a share in each thread, then stops itself with
 * SIGSTOP. FILE is mapped whole; put it on a file system that is no tmpfs. Sizes are odd numbers of
 * pages, so that a figure that is off by a page or rounded shows.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>

#include "workload.h"

#define ANON_PAGES 5003
#define SHMEM_PAGES 1009
#define GIVEN_BACK_PAGES 777

struct share {
	char *anon, *shmem;
	const char *file;
	size_t page, file_bytes, from, step;
};

static pthread_barrier_t touched;

static void work(const struct share *s)
{
	char *gone = map_touched(GIVEN_BACK_PAGES * s->page, MAP_PRIVATE);

	for (size_t i = s->from; i < ANON_PAGES; i += s->step)
		*(volatile char *)(s->anon + i * s->page) = 1;
	for (size_t i = s->from; i < SHMEM_PAGES; i += s->step)
		*(volatile char *)(s->shmem + i * s->page) = 1;
	for (size_t i = s->from * s->page; i < s->file_bytes; i += s->step * s->page)
		(void)*(const volatile char *)(s->file + i);
	unmap(gone, GIVEN_BACK_PAGES * s->page);
	pthread_barrier_wait(&touched);
}

static void *thread_main(void *data)
{
	work(data);
	for (;;)
		pause();
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned int threads = (unsigned int)argument(argc, argv, 2, 1);
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct share shares[64], whole = { .page = page, .step = threads };
	struct stat stat;
	pthread_t thread;
	int fd = argc > 1 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0 || fstat(fd, &stat))
		die(argc > 1 ? argv[1] : "no FILE");
	if (threads < 1 || threads > 64)
		die("1 to 64 threads");
	whole.file_bytes = (size_t)stat.st_size;
	whole.file = mmap(NULL, whole.file_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	if (whole.file == MAP_FAILED)
		die("mmap of the file");
	whole.anon = map(ANON_PAGES * page, MAP_PRIVATE);
	whole.shmem = map(SHMEM_PAGES * page, MAP_SHARED);
	pthread_barrier_init(&touched, NULL, threads);

	say("ready");
	wait_for_line();
	for (unsigned int i = 0; i < threads; i++) {
		shares[i] = whole;
		shares[i].from = i;
		if (i && pthread_create(&thread, NULL, thread_main, &shares[i]))
			die("pthread_create");
	}
	work(&shares[0]);
	raise(SIGSTOP);
	say("continued");
	wait_for_line();
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ledger_dump [CHAIN]: runs the shm tracer with at most CHAIN (none, signals, tracepoints, kprobe,
 * fexit) and says what it knows, a command per line of standard input:
 *   charges DEV    the failures since the last time, then the superblock's figures
 *   chargers DEV   who charged what to it
 *   files          every file with its holders
 * Each answer ends with the line "end". The first line is "ready CHAIN WHY".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/shm_tracer.h"

static const char *const chains[] = { "none", "signals", "tracepoints", "kprobe", "fexit" };
static const char *const hows[] = { "?", "write", "fault", "fallocate", "open" };
static const char *const kinds[] = { "tmpfs", "memfd", "sysv", "anon" };

static uint32_t only_dev;

static int on_record(void *ctx, const struct rec_head *rec, size_t size)
{
	const struct rec_shm_full *full = (const void *)rec;
	const struct rec_shm_charger *charger = (const void *)rec;
	const struct rec_shm_file *file = (const void *)rec;
	const struct rec_shm_holder *holder = (const void *)rec;

	(void)ctx;
	(void)size;
	switch (rec->type) {
	case REC_SHM_FULL:
		printf("full dev=%u pid=%u tid=%u how=%s errno=%u signal=%u wanted=%llu done=%llu limit=%llu used=%llu "
		       "ino=%llu cgroup=%llu comm=%s name=%s\n",
		       full->dev, rec->pid, full->tid, hows[full->how], full->error, full->signal,
		       full->wanted_bytes, full->done_bytes, full->limit_bytes, full->used_bytes,
		       full->ino, full->cgroup_id, full->comm, full->name);
		break;
	case REC_SHM_CHARGER:
		if (charger->dev == only_dev)
			printf("charger pid=%u alive=%u charged=%llu uncharged=%llu comm=%s\n",
			       rec->pid, charger->alive, charger->charged_bytes,
			       charger->uncharged_bytes, charger->comm);
		break;
	case REC_SHM_FILE:
		printf("file dev=%u ino=%llu kind=%s flags=%u uid=%u size=%llu bytes=%llu peak=%llu creator=%u "
		       "comm=%s name=%s\n",
		       file->dev, file->ino, kinds[file->kind], file->flags, file->uid,
		       file->size_bytes, file->bytes, file->peak_bytes, rec->pid, file->comm,
		       (const char *)(file + 1));
		break;
	case REC_SHM_HOLDER:
		printf("holder dev=%u ino=%llu pid=%u flags=%u comm=%s\n", holder->dev, holder->ino,
		       rec->pid, holder->flags, holder->comm);
		break;
	default:
		break;
	}
	return 0;
}

static int answer(struct shm_tracer *t, char *line)
{
	char command[32] = "";
	unsigned int dev = 0;
	struct shm_charges c;
	int err;

	if (sscanf(line, "%31s %u", command, &dev) < 1)
		return -1;
	only_dev = dev;
	if (!strcmp(command, "chargers"))
		return shm_tracer_chargers(t, on_record, NULL);
	if (!strcmp(command, "files"))
		return shm_tracer_files(t, on_record, NULL);
	err = shm_tracer_drain(t);
	if (!err && !shm_tracer_charges(t, dev, &c))
		printf("charges charged=%llu uncharged=%llu peak=%llu lost=%llu\n",
		       (unsigned long long)c.charged_bytes, (unsigned long long)c.uncharged_bytes,
		       (unsigned long long)c.peak_bytes, (unsigned long long)shm_tracer_lost(t));
	return err;
}

int main(int argc, char **argv)
{
	struct shm_tracer_config config = { .most = SHM_CHAIN_FEXIT };
	struct shm_tracer *t;
	char why[1024], line[256];
	int err;

	for (size_t i = 0; argc > 1 && i < sizeof(chains) / sizeof(chains[0]); i++)
		if (!strcmp(argv[1], chains[i]))
			config.most = (enum shm_chain)i;
	config.verbose = argc > 2;
	err = shm_tracer_create(&config, on_record, NULL, &t, why, sizeof(why));
	if (err) {
		fprintf(stderr, "ledger_dump: %s\n", why);
		return 1;
	}
	printf("ready %s %s\n", chains[shm_tracer_chain(t)], why);
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		err = answer(t, line);
		if (err)
			printf("error %d\n", err);
		printf("end\n");
		fflush(stdout);
	}
	shm_tracer_destroy(t);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The wall: one record at the moment a process fails as a tmpfs is full, once per failure that a
 * user sees. The same process failing the same way on the same file is one failure until something
 * of the superblock was freed, or the process succeeded in charging something.
 *
 * A fallocate(2) that fails takes back what it was charged, which is not freeing: for it the
 * process's own frees do not count, and of its charges only what it kept.
 */
#ifndef MEMMON_SHM_WALL_BPF_H
#define MEMMON_SHM_WALL_BPF_H

#include "shm_book.bpf.h"

#define ENOENT 2
#define EFAULT 14
#define ENOSPC 28
#define SIGBUS 7
#define AT_FDCWD (-100)

#define MERGE_NS 1000000000ULL /* where frees cannot be seen */

struct wall {
	u64 inode; /* 0 = none */
	u64 sb; /* 0 = not known */
	u64 dentry; /* the name, or */
	u64 user_path; /* a path in user space */
	u64 wanted_bytes, done_bytes;
	u32 how; /* enum shm_full_how */
	u32 error, signal;
	s32 dirfd; /* of user_path */
};

static __always_inline void raise_alarm(void)
{
	u32 nothing = 0;

	bpf_ringbuf_output(&alarms, &nothing, sizeof(nothing), BPF_RB_FORCE_WAKEUP);
}

/* Is the failure one that was reported? If not, it is noted. */
static __noinline bool is_repeated(struct shm_super *s, struct shm_account *a, struct shm_wall *now)
{
	u32 at;

	if (!s || !a || !now)
		return false;
	now->freed_pages = s->uncharged_pages;
	now->charged_pages = a->charged_pages;
	if (now->how == SHM_FULL_FALLOCATE) {
		now->freed_pages -= a->uncharged_pages;
		now->charged_pages -= a->uncharged_pages;
	}
	for (int i = 0; i < SHM_WALLS; i++) {
		struct shm_wall *w = &a->walls[i];
		bool same;

		if (w->how != now->how || w->ino != now->ino)
			continue;
		if (cfg_charges)
			same = w->freed_pages == now->freed_pages &&
			       w->charged_pages == now->charged_pages;
		else
			same = now->ts_ns - w->ts_ns < MERGE_NS;
		*w = *now;
		return same;
	}
	at = a->next_wall++ & (SHM_WALLS - 1);
	a->walls[at] = *now;
	return false;
}

static __always_inline void fill_full(struct rec_shm_full *r, struct wall *w)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	u64 sb = w->sb, dentry = w->dentry;

	__builtin_memset(r, 0, sizeof(*r));
	r->head.type = REC_SHM_FULL;
	r->head.size = sizeof(*r);
	r->head.pid = pid_in_own_ns(task);
	r->head.ts_ns = bpf_ktime_get_ns();
	r->head.start_ns = BPF_CORE_READ(task, group_leader, start_time);
	r->tid = tid_in_own_ns(task);
	r->how = w->how;
	r->error = w->error;
	r->signal = w->signal;
	r->wanted_bytes = w->wanted_bytes;
	r->done_bytes = w->done_bytes;
	r->cgroup_id = BPF_CORE_READ(memory_cgroup(task), kn, id);
	BPF_CORE_READ_INTO(&r->comm, task, group_leader, comm);
	if (w->inode)
		r->ino = number_of_inode(w->inode);
	if (sb) {
		r->dev = dev_of_super(sb);
		r->limit_bytes = limit_pages(sb) * cfg_page_bytes;
		r->used_bytes = used_pages(sb) * cfg_page_bytes;
	} else {
		r->pad = w->dirfd; /* for user space, which finds the superblock out */
	}
	if (dentry) {
		const void *name = BPF_CORE_READ((struct dentry *)dentry, d_name.name);

		bpf_probe_read_kernel_str(r->name, sizeof(r->name), name);
	} else if (w->user_path) {
		bpf_probe_read_user_str(r->name, sizeof(r->name), (void *)w->user_path);
	}
}

static __noinline int hit_wall(struct wall *w)
{
	struct shm_wall now = {};
	struct rec_shm_full *r;

	if (!w)
		return 0;
	if (w->sb) {
		u32 dev = dev_of_super(w->sb);
		struct shm_super *s = super_of(w->sb);

		now.how = w->how;
		now.ts_ns = bpf_ktime_get_ns();
		if (w->inode)
			now.ino = number_of_inode(w->inode);
		if (is_repeated(s, account_of(dev), &now))
			return 0;
	}
	r = bpf_ringbuf_reserve(&records, sizeof(*r), 0);
	if (!r) {
		__sync_fetch_and_add(&lost.records, 1);
		return 0;
	}
	fill_full(r, w);
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	raise_alarm();
	return 0;
}

/* A file's failure. */
static __always_inline void file_hits_wall(struct file *file, u32 how, u64 wanted, u64 done)
{
	struct wall w = {
		.how = how,
		.error = ENOSPC,
		.wanted_bytes = wanted,
		.done_bytes = done,
	};

	w.inode = (u64)BPF_CORE_READ(file, f_inode);
	w.sb = super_of_inode(w.inode);
	w.dentry = (u64)BPF_CORE_READ(file, f_path.dentry);
	hit_wall(&w);
}

/* A page of a mapping that could not be had; `signal` or `error`, as the process sees it. */
static __always_inline void fault_hits_wall(struct file *file, u32 signal, u32 error)
{
	struct wall w = {
		.how = SHM_FULL_FAULT,
		.signal = signal,
		.error = error,
		.wanted_bytes = cfg_page_bytes,
	};

	w.inode = (u64)BPF_CORE_READ(file, f_inode);
	w.sb = super_of_inode(w.inode);
	w.dentry = (u64)BPF_CORE_READ(file, f_path.dentry);
	hit_wall(&w);
}

/* Is page `index` within the file? A fault beyond its end has another cause. */
static __always_inline bool in_file(u64 inode, u64 index)
{
	return index * cfg_page_bytes < (u64)BPF_CORE_READ((struct inode *)inode, i_size);
}

#endif

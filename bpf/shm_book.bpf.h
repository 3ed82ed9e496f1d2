/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Booking: what an inode has been charged, less what was booked of it before, goes to its superblock
 * and to the current process.
 *
 * Two CPUs may book one inode at once. Each exchanges the booked figure for what it read and looks
 * once more after that, so that the last to exchange leaves what the kernel has, and every page is
 * booked by exactly one of them. Exchanging takes 5.12; before 6.6 the caller of shmem_recalc_inode()
 * holds the inode's lock, and a plain store does (`locked`).
 */
#ifndef MEMMON_SHM_BOOK_BPF_H
#define MEMMON_SHM_BOOK_BPF_H

#include "shm_state.bpf.h"

#define ROUNDS 4

/* The peak of a superblock; a lower value that another CPU stores meanwhile is overwritten. */
static __always_inline void raise_peak(struct shm_super *s)
{
	for (int i = 0; i < ROUNDS; i++) {
		volatile struct shm_super *now = s;
		s64 used = now->base_pages + now->charged_pages - now->uncharged_pages;

		if (used <= (s64)now->peak_pages)
			break;
		s->peak_ns = bpf_ktime_get_ns();
		s->peak_pages = used;
	}
}

/* Books `delta` pages of an inode; `nobody`: not by the current process. */
static __noinline int book(struct shm_inode *e, s64 delta, bool nobody)
{
	struct shm_account *a;
	struct shm_super *s;
	u64 pid_tgid;
	u32 dev;

	if (!e || !delta)
		return 0;
	dev = e->dev;
	s = bpf_map_lookup_elem(&supers, &dev);
	a = nobody ? NULL : account_of(dev);
	if (delta < 0) {
		if (s)
			__sync_fetch_and_add(&s->uncharged_pages, -delta);
		if (a)
			__sync_fetch_and_add(&a->uncharged_pages, -delta);
		return 0;
	}
	if (e->pages > e->peak_pages)
		e->peak_pages = e->pages;
	if (s) {
		__sync_fetch_and_add(&s->charged_pages, delta);
		raise_peak(s);
	}
	if (!a)
		return 0;
	__sync_fetch_and_add(&a->charged_pages, delta);
	pid_tgid = bpf_get_current_pid_tgid();
	if ((u32)pid_tgid == pid_tgid >> 32) /* an exec changes it */
		bpf_get_current_comm(a->comm, sizeof(a->comm));
	if (!(e->flags & (SHM_FILE_BEFORE | SHM_FILE_CREATOR))) {
		struct task_struct *task = (void *)bpf_get_current_task();

		e->flags |= SHM_FILE_CREATOR;
		e->creator_pid = a->pid;
		e->creator_start_ns = BPF_CORE_READ(task, group_leader, start_time);
		for (int i = 0; i < COMM_LEN; i++)
			e->comm[i] = a->comm[i];
	}
	return 0;
}

/* Lets go of an inode; what is still booked of it was freed unseen, by nobody knows whom. */
__noinline int forget(u64 inode)
{
	struct shm_inode *e = bpf_map_lookup_elem(&inodes, &inode);
	s64 left;

	if (!e)
		return 0;
	left = e->pages;
	if (bpf_map_delete_elem(&inodes, &inode))
		return 0; /* another CPU did */
	return book(e, -left, true);
}

/*
 * The entry of an inode, made where there is none; NULL and counted where there is no room. An inode
 * that comes to be known before all was looked at may have had pages before.
 */
static __noinline struct shm_inode *inode_of(u64 inode)
{
	struct inode *at = (void *)inode;
	struct shm_inode fresh = {}, *e = bpf_map_lookup_elem(&inodes, &inode);
	struct shm_super *s;

	fresh.generation = BPF_CORE_READ(at, i_generation);
	if (e && e->generation == fresh.generation)
		return e;
	if (e)
		forget(inode);
	s = super_of((u64)BPF_CORE_READ(at, i_sb));
	fresh.ino = BPF_CORE_READ(at, i_ino);
	fresh.dev = BPF_CORE_READ(at, i_sb, s_dev);
	if (!primed) {
		fresh.pages = pages_of(inode);
		fresh.peak_pages = fresh.pages;
		if (fresh.pages)
			fresh.flags = SHM_FILE_BEFORE;
	}
	if (!bpf_map_update_elem(&inodes, &inode, &fresh, BPF_NOEXIST) && s)
		__sync_fetch_and_add(&s->base_pages, fresh.pages);
	e = bpf_map_lookup_elem(&inodes, &inode);
	if (!e)
		__sync_fetch_and_add(&lost.inodes, 1);
	return e;
}

/* Books an inode as it is now. Returns whether that changed anything. */
__noinline int book_inode(u64 inode, bool nobody)
{
	struct shm_inode *e = inode_of(inode);
	int booked = 0;

	if (!e)
		return 0;
	for (int i = 0; i < ROUNDS; i++) {
		u64 now = pages_of(inode);

		if (*(volatile u64 *)&e->pages == now)
			break;
		book(e, now - __sync_lock_test_and_set(&e->pages, now), nobody);
		booked = 1;
	}
	return booked;
}

/* The same where the inode's lock is held. */
static __noinline int book_locked(u64 inode)
{
	struct shm_inode *e = inode_of(inode);
	u64 now, before;

	if (!e)
		return 0;
	now = pages_of(inode);
	before = e->pages;
	e->pages = now;
	return book(e, now - before, false);
}

#endif

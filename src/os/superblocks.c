/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why two ways: the host often shows a container's tmpfs under a path of its own, and the container's
 * processes may end first. Namespaces outside containers are read before the others, so that a claim
 * in one of their paths is known when the container comes.
 */
#include "superblocks.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "container_tree.h"
#include "readfile.h"
#include "text.h"
#include "tmpfs.h"

/* What makes one way better than another; any way scores SCORE_IS at least. */
#define SCORE_IS 1U
#define SCORE_DEV_SHM 2U
#define SCORE_WHOLE 4U
#define SCORE_VISIBLE 8U
#define SCORE_CLAIMED 16U

/* A namespace, and the container its process is in. */
struct home {
	const struct namespace *ns;
	char id[CONTAINER_ID_DIGITS + 1];
	const char *runtime;
	bool ours; /* our own namespace */
};

static void find_container(struct home *h)
{
	char file[64], text[16384], name[PATH_MAX];
	ssize_t n;

	h->runtime = "";
	snprintf(file, sizeof(file), "/proc/%d/cgroup", (int)h->ns->pid);
	n = readfile(file, text, sizeof(text));
	if (n <= 0)
		return;
	for (int version = 1; version <= 2 && !*h->id; version++)
		if (!cgroup_parse_proc(text, (size_t)n, version, name, sizeof(name)) &&
		    container_id(name, h->id))
			h->runtime = container_runtime(name);
}

/* ---- mounts on behalf of containers ----------------------------------------------------------- */

/*
 * Where engines mount a container's /dev/shm on the host:
 *   <docker root>/containers/ID/mounts/shm
 *   <podman or CRI-O storage>/overlay-containers/ID/userdata/shm
 *   <containerd state>/io.containerd.grpc.v1.cri/sandboxes/ID/shm
 * and the kubelet a pod's volumes: …/pods/UID/volumes/kubernetes.io~empty-dir/NAME.
 */
static void find_claim(struct superblock *sb, const char *point)
{
	struct text rest = text_of(point, strlen(point)), part, before = text_of(NULL, 0);
	char digits[CONTAINER_ID_DIGITS + 1], id[CONTAINER_ID_DIGITS + 1];

	while (text_until(&rest, '/', &part)) {
		struct text kind = before;

		before = part;
		if (text_skip(&part, "kubernetes.io~")) {
			sb->pod = true;
			return;
		}
		if (part.end - part.at != CONTAINER_ID_DIGITS)
			continue;
		memcpy(digits, part.at, CONTAINER_ID_DIGITS);
		digits[CONTAINER_ID_DIGITS] = '\0';
		if (!container_id(digits, id))
			continue;
		if (text_is(kind, "containers") && text_is(rest, "mounts/shm"))
			sb->claim_runtime = "docker";
		else if (text_is(kind, "sandboxes") && text_is(rest, "shm"))
			sb->claim_runtime = "containerd";
		else if (text_is(kind, "overlay-containers") && text_is(rest, "userdata/shm"))
			sb->claim_runtime = "";
		else
			continue;
		memcpy(sb->claim, id, sizeof(id));
		return;
	}
}

/* ---- collecting ------------------------------------------------------------------------------- */

static void clear_way(struct superblock_way *w)
{
	free(w->point);
	*w = (struct superblock_way){ 0 };
}

static void destroy(struct superblock *sb)
{
	clear_way(&sb->host);
	clear_way(&sb->container);
	free(sb->user);
	free(sb);
}

static void forget_ways(struct superblock *sb)
{
	clear_way(&sb->host);
	clear_way(&sb->container);
	sb->dev_shm = sb->ours = sb->pod = false;
	sb->claim[0] = '\0';
	sb->claim_runtime = "";
}

static int find_or_add(struct superblocks *s, uint32_t dev, struct superblock **out)
{
	struct superblock *sb, *added;

	HASH_FIND(hh, s->all, &dev, sizeof(dev), sb);
	if (!sb) {
		if (HASH_COUNT(s->all) >= SUPERBLOCKS_MAX)
			return -EFBIG;
		sb = calloc(1, sizeof(*sb));
		if (!sb)
			return -ENOMEM;
		sb->dev = dev;
		HASH_ADD(hh, s->all, dev, sizeof(sb->dev), sb);
		HASH_FIND(hh, s->all, &dev, sizeof(dev), added);
		if (!added) { /* not added: memory */
			free(sb);
			return -ENOMEM;
		}
	}
	if (sb->scan != s->scans)
		forget_ways(sb);
	sb->scan = s->scans;
	*out = sb;
	return 0;
}

static int take_mount(struct superblocks *s, const struct home *h, struct tmpfs_mount *m)
{
	bool dev_shm = !strcmp(m->point, "/dev/shm");
	struct superblock_way *way;
	struct superblock *sb;
	unsigned int score;
	int err;

	err = find_or_add(s, m->dev, &sb);
	if (err == -EFBIG)
		s->omitted++;
	if (err)
		return err == -EFBIG ? 0 : err;
	sb->limit_bytes = m->limit_bytes;
	sb->limit_inodes = m->limit_inodes;
	sb->dev_shm = sb->dev_shm || (dev_shm && !m->hidden);
	sb->ours = sb->ours || h->ours;
	if (!*h->id && !*sb->claim)
		find_claim(sb, m->point);
	score = SCORE_IS | (dev_shm ? SCORE_DEV_SHM : 0) | (m->whole ? SCORE_WHOLE : 0) |
		(m->hidden ? 0 : SCORE_VISIBLE) |
		(*h->id && !strcmp(h->id, sb->claim) ? SCORE_CLAIMED : 0);
	way = *h->id ? &sb->container : &sb->host;
	if (score <= way->score)
		return 0;
	free(way->point);
	*way = (struct superblock_way){
		.pid = h->ns->pid,
		.spare = h->ns->spare,
		.whole = m->whole,
		.hidden = m->hidden,
		.remote = m->remote,
		.score = score,
		.point = m->point,
		.runtime = h->runtime,
	};
	memcpy(way->id, h->id, sizeof(way->id));
	m->point = NULL; /* the way's now */
	return 0;
}

static int take_namespace(struct superblocks *s, const struct home *h)
{
	struct tmpfs_mounts mounts;
	int err = tmpfs_read(&mounts, h->ns->pid);

	if (err == -ESRCH && h->ns->spare)
		err = tmpfs_read(&mounts, h->ns->spare);
	if (err == -ENOMEM)
		return err;
	if (err) {
		s->refused += err != -ESRCH;
		return 0;
	}
	s->omitted += mounts.omitted;
	for (size_t i = 0; !err && i < mounts.n; i++)
		err = take_mount(s, h, &mounts.mounts[i]);
	tmpfs_finish(&mounts);
	return err;
}

int superblocks_scan(struct superblocks *s, const struct namespaces *namespaces)
{
	uint32_t own = namespace_of(0, "mnt");
	size_t n = namespaces->mnt.n;
	struct home *homes = calloc(n + 1, sizeof(*homes));
	struct superblock *sb, *tmp;
	int err = 0;

	if (!homes)
		return -ENOMEM;
	s->scans++;
	s->refused = s->omitted = 0;
	for (size_t i = 0; i < n; i++) {
		homes[i].ns = &namespaces->mnt.items[i];
		homes[i].ours = homes[i].ns->ino == own;
		find_container(&homes[i]);
	}
	for (int in_container = 0; in_container <= 1; in_container++)
		for (size_t i = 0; !err && i < n; i++)
			if (!!*homes[i].id == in_container)
				err = take_namespace(s, &homes[i]);
	free(homes);
	if (err)
		return err;
	HASH_ITER(hh, s->all, sb, tmp) {
		if (sb->scan == s->scans)
			continue;
		HASH_DELETE(hh, s->all, sb);
		destroy(sb);
	}
	return 0;
}

void superblocks_finish(struct superblocks *s)
{
	struct superblock *sb, *tmp;

	if (!s)
		return;
	HASH_ITER(hh, s->all, sb, tmp) {
		HASH_DELETE(hh, s->all, sb);
		destroy(sb);
	}
	*s = (struct superblocks){ 0 };
}

/* ---- asking ----------------------------------------------------------------------------------- */

struct superblock_owner superblock_owner(const struct superblock *sb)
{
	const struct superblock_way *c = &sb->container, *h = &sb->host;
	bool found = c->score && !strcmp(c->id, sb->claim);
	struct superblock_owner owner = {
		.id = "",
		.runtime = "",
		.point = h->score ? h->point : "",
		.hidden = (!h->score || h->hidden) && (!c->score || c->hidden),
	};

	if (*sb->claim && !found) { /* its own namespace cannot be seen */
		owner.id = sb->claim;
		owner.runtime = sb->claim_runtime;
		owner.point = "/dev/shm";
	} else if (c->score && (found || sb->pod || !h->score)) {
		owner.id = c->id;
		owner.runtime = c->runtime;
		owner.point = c->point;
	} else if (h->score && !sb->ours) {
		owner.pid = h->pid;
	}
	return owner;
}

void superblock_view_close(struct superblock_view *v)
{
	if (v->pid)
		close(v->root);
	v->pid = 0;
}

static int open_through(const struct superblock *sb, const struct superblock_way *w, pid_t pid,
			struct superblock_view *v)
{
	int root;

	if (v->pid != pid) {
		root = tmpfs_root(pid);
		if (root < 0)
			return root;
		superblock_view_close(v);
		*v = (struct superblock_view){ pid, root };
	}
	return tmpfs_open(v->root, w->point, sb->dev, w->remote);
}

int superblock_open(const struct superblock *sb, struct superblock_view *v, bool *whole)
{
	const struct superblock_way *ways[] = { &sb->host, &sb->container };
	int fd = -ENOENT;

	if (sb->container.score > sb->host.score) {
		ways[0] = &sb->container;
		ways[1] = &sb->host;
	}
	for (int i = 0; i < 2; i++) {
		/* no path leads to what another mount lies on */
		if (!ways[i]->score || ways[i]->hidden)
			continue;
		*whole = ways[i]->whole;
		fd = open_through(sb, ways[i], ways[i]->pid, v);
		if (fd < 0 && ways[i]->spare)
			fd = open_through(sb, ways[i], ways[i]->spare, v);
		if (fd >= 0)
			return fd;
	}
	return fd;
}

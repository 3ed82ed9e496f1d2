// SPDX-License-Identifier: GPL-2.0-or-later
/* The floor: what any program on rss_stat costs. Nothing of ours can be cheaper. */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

SEC("tp_btf/rss_stat")
int on_rss_stat(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel side of memmon-bpf. The numbers live in maps and are absolute; the ring buffer carries
 * only what has a moment. So a lost record can delay a line but never falsify a number.
 *
 * rss.bpf.h holds the one hot hook; everything else runs on rare events.
 */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "heal.bpf.h"
#include "proc.bpf.h"
#include "read.bpf.h"
#include "rss.bpf.h"
#include "stand_ins.bpf.h"
#include "vma.bpf.h"

char LICENSE[] SEC("license") = "GPL";

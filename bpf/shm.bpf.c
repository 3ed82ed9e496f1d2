// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel side of the shared-memory ledger: who charged and freed which pages of which tmpfs, and
 * who hit its limit. An object of its own, so that a watch without it pays nothing for it.
 *
 * Of its four chains one is loaded: shm_fexit.bpf.h, shm_kprobe.bpf.h, shm_trace.bpf.h, or
 * shm_signal.bpf.h alone.
 */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "shm_fexit.bpf.h"
#include "shm_kprobe.bpf.h"
#include "shm_trace.bpf.h"
#include "shm_read.bpf.h"

char LICENSE[] SEC("license") = "GPL";

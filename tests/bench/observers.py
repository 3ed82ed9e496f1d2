# SPDX-License-Identifier: GPL-2.0-or-later
"""
Who looks on: one row each. `how` says where the observer stands: "attach" to the target's pid,
"outer" around the gate (a process of its own, whose CPU time is not the target's), or "inner" around
the command (it works inside the target). {pid} {dir} {memmon} {idle} {here} {build} are filled in.
"""
import glob
import json
import os
import re
import subprocess
from dataclasses import dataclass
from typing import Callable, Optional

from target import Failed


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def newest(pattern):
    found = glob.glob(pattern)
    if not found:
        raise Failed(f"it left no {os.path.basename(pattern)}")
    return found


# ---- the peak that each reported, in bytes; None where it reports none ----

def of_memmon(run):
    return json.loads(read(f"{run}/summary.json"))["target"]["peak"]["rss_bytes"]


def of_bpftrace(run):
    """The maxima of the members, added up: it keeps no sum."""
    rows = re.findall(r"@max\[\d+\]: (\d+)", read(f"{run}/out"))
    return sum(map(int, rows)) if rows else None


def of_perf(run):
    """The records replayed, which perf itself does not do."""
    text = subprocess.run(["perf", "script", "-i", f"{run}/perf.data", "-F", "trace"],
                          capture_output=True, text=True, check=False).stdout
    now, peak = {}, 0
    for mm, kind, size in re.findall(r"mm_id=(\d+) .*?type=(\w+) size=(-?\d+)B", text):
        if kind != "MM_SWAPENTS":
            now.setdefault(mm, {})[kind] = int(size)
            peak = max(peak, sum(now[mm].values()))
    return peak or None


def of_heaptrack(run):
    """Of several processes the largest."""
    peaks = []
    for raw in newest(f"{run}/raw.*"):
        subprocess.run(f"/usr/lib/heaptrack/libexec/heaptrack_interpret <{raw} >{raw}.out", shell=True,
                       capture_output=True, check=False)
        text = subprocess.run(["heaptrack_print", "-f", f"{raw}.out"], capture_output=True, text=True,
                              check=False).stdout
        found = re.search(r"peak heap memory consumption: ([\d.]+)([KMG]?)", text)
        if found:
            peaks.append(float(found[1]) * {"": 1, "K": 1e3, "M": 1e6, "G": 1e9}[found[2]])
    return max(peaks, default=None)


def of_massif(run):
    return max(int(heap) + int(extra) for name in newest(f"{run}/massif.*") for heap, extra in
               re.findall(r"mem_heap_B=(\d+)\nmem_heap_extra_B=(\d+)", read(name)))


def of_sampler(run):
    found = re.search(r"peak_bytes (\d+)", read(f"{run}/out"))
    return int(found[1]) if found else None


def of_mprof(run):
    rows = re.findall(r"^MEM ([\d.]+)", read(f"{run}/mprof.dat"), re.M)
    return max(float(mib) for mib in rows) * (1 << 20) if rows else None


def of_time(run):
    found = re.search(r"Maximum resident set size \(kbytes\): (\d+)", read(f"{run}/time.txt"))
    return int(found[1]) << 10 if found else None


# ---- did it really look? What it saw of the target; None where it does not say ----

def memmon_events(run):
    return json.loads(read(f"{run}/summary.json"))["overhead"]["events"]


def bpftrace_counts(run):
    return sum(map(int, re.findall(r"@\w*\[\d+\]: (\d+)", read(f"{run}/out"))))


def perf_samples(run):
    found = re.search(r"\((\d+) samples\)", read(f"{run}/err"))
    return int(found[1]) if found else 0


def heaptrack_files(run):
    return len(newest(f"{run}/raw.*"))


def perf_faults(run):
    return os.path.getsize(f"{run}/faults")


@dataclass
class Observer:
    name: str
    how: str
    argv: list
    ready: str = ""  # what it prints when it is; "quiet": when it has stopped using the CPU
    says: str = "out"  # where: its standard output, or a file of its own
    peak: Optional[Callable] = None
    saw: Optional[Callable] = None
    misses: str = ""
    light: bool = False  # in every round
    ends: bool = False  # by itself, with the target


BPFTRACE = ["bpftrace", "-e"]
TICK = 'interval:ms:50 { printf("ready\\n"); }'
MEMMON = ["{memmon}", "--budget", "0", "--lines", "--json", "{dir}/summary.json", "-p"]

OBSERVERS = [
    Observer("nobody", "none", [], light=True),
    Observer("nobody, once more", "none", [], light=True, misses="the noise of these figures"),
    Observer("empty program", "attach", ["{build}/bench-hold"], "ready", light=True,
             misses="everything: the floor of whatever is on this hook"),
    Observer("memmon-bpf -p", "attach", MEMMON + ["{pid}"], "\n ", "out", of_memmon, memmon_events,
             "nothing below; per tree, with instant and kinds", light=True),
    Observer("memmon-bpf on another", "attach", MEMMON + ["{idle}"], "\n ", light=True,
             misses="this process: what others pay"),
    Observer("bpftrace rss_stat count", "attach",
             BPFTRACE + ["tracepoint:kmem:rss_stat { @[args->member] = count(); } " + TICK], "ready",
             "out", None, bpftrace_counts, "sizes"),
    Observer("bpftrace rss_stat max", "attach",
             BPFTRACE + ["tracepoint:kmem:rss_stat /pid == {pid}/ "
                         "{ @max[args->member] = max(args->size); } " + TICK], "ready",
             "out", of_bpftrace, None, "children, the sum at one instant, when"),
    Observer("perf record kmem:rss_stat", "attach",
             ["perf", "record", "-e", "kmem:rss_stat", "-o", "{dir}/perf.data", "-p", "{pid}"],
             "quiet", "out", of_perf, perf_samples, "nothing, but one must replay the records"),
    Observer("perf trace -F all", "attach",
             ["perf", "trace", "-F", "all", "-o", "{dir}/faults", "-p", "{pid}"], "quiet", "out", None,
             perf_faults, "what is given back: no size, no peak"),
    Observer("memleak-bpfcc", "attach", ["memleak-bpfcc", "-p", "{pid}", "1"], "Attaching", "out", None, None,
             "all but what malloc holds now"),
    Observer("heaptrack", "inner",
             ["env", "LD_PRELOAD=/usr/lib/heaptrack/libheaptrack_preload.so",
              "DUMP_HEAPTRACK_OUTPUT={dir}/raw.$$"], peak=of_heaptrack, saw=heaptrack_files,
             misses="all but malloc; needs a restart"),
    Observer("massif", "inner",
             ["valgrind", "-q", "--tool=massif", "--trace-children=yes",
              "--massif-out-file={dir}/massif.%p"], peak=of_massif,
             misses="all but malloc; needs a restart"),
    Observer("psutil, 1 ms", "attach", ["{here}/sampler.py", "{pid}", "0.001"], "ready", "out", of_sampler,
             misses="what comes and goes between two looks", ends=True),
    Observer("psutil, 100 ms, tree", "attach", ["{here}/sampler.py", "{pid}", "0.1", "tree"], "ready",
             "out", of_sampler,
             misses="what comes and goes between two looks", ends=True),
    Observer("mprof, 100 ms", "attach",
             ["{mprof}", "attach", "-C", "-o", "{dir}/mprof.dat", "{pid}"], "MEM", "mprof.dat", of_mprof,
             misses="what comes and goes between two looks", ends=True),
    Observer("time -v", "outer", ["/usr/bin/time", "-v", "-o", "{dir}/time.txt"], peak=of_time,
             misses="when, what, the tree's sum; one process's highest"),
]

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""sampler.py PID SECONDS [tree]: a psutil sampler as people write it; says the highest RSS it saw."""
import sys
import time

import psutil

peak, step, target = 0, float(sys.argv[2]), psutil.Process(int(sys.argv[1]))
print("ready", flush=True)
while target.is_running() and target.status() != psutil.STATUS_ZOMBIE:
    rss = 0
    for process in [target] + (target.children(recursive=True) if sys.argv[3:] else []):
        try:
            rss += process.memory_info().rss
        except psutil.NoSuchProcess:  # it ended meanwhile
            pass
    peak = max(peak, rss)
    time.sleep(step)
print(f"peak_bytes {peak}", flush=True)

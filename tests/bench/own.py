# SPDX-License-Identifier: GPL-2.0-or-later
"""What memmon-bpf itself takes: start-up, RSS and CPU by processes, by short-lived ones, over time."""
import json
import os
import subprocess
import tempfile
import time

from target import cpu_of, end, memory_of, pin

CROWDS = (1, 100, 2000)
SPAN_S = 10
SHORT_LIVED = 10000
SIMULATED_CPUS = (2, 8, 32, 128)


class Watch:
    """memmon-bpf on a process at 10 Hz, from its first line on."""

    def __init__(self, build, pid):
        with tempfile.NamedTemporaryFile(prefix="memmon-bench-", delete=False) as file:
            self.summary = file.name
        argv = [f"{build}/memmon-bpf", "--budget", "0", "--lines", "--json", self.summary, "-p", str(pid)]
        begin = time.monotonic()
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        bufsize=0, preexec_fn=pin({0}))
        self.pid = self.process.pid
        while self.process.stdout.readline().startswith(b"#"):
            pass
        self.start_s = time.monotonic() - begin
        # from here on nobody shall wait for us to read
        self.drain = subprocess.Popen(["cat"], stdin=self.process.stdout, stdout=subprocess.DEVNULL,
                                      preexec_fn=pin({0}))

    def cpu(self):
        return cpu_of([self.pid])

    def rss(self):
        return memory_of([self.pid], "VmRSS")

    def finish(self):
        """Returns its summary."""
        self.process.send_signal(2)
        self.process.wait(60)
        self.drain.wait(60)
        with open(self.summary, encoding="utf-8") as file:
            summary = json.load(file)
        os.unlink(self.summary)
        return summary


def crowd(build, loads, n):
    target = subprocess.Popen([loads, "crowd", str(n - 1)], stdout=subprocess.PIPE)
    try:
        target.stdout.readline()
        watch = Watch(build, target.pid)
        before = watch.cpu()
        time.sleep(SPAN_S)
        row = {"processes": n, "start_s": watch.start_s, "cpu": (watch.cpu() - before) / SPAN_S,
               "rss": watch.rss(), "rss_start": memory_of([watch.pid], "VmHWM")}
        row["seen"] = watch.finish()["target"]["processes"]
    finally:
        end(target)
    return row


def short_lived(build, loads):
    """The storm begins when we watch, which its shell's line from us tells it."""
    target = subprocess.Popen(["sh", "-c", f"read line; exec {loads} exec-storm {SHORT_LIVED}"],
                              stdin=subprocess.PIPE)
    watch = Watch(build, target.pid)
    first, before, begin, most = watch.rss(), watch.cpu(), time.monotonic(), 0
    target.stdin.write(b"\n")
    target.stdin.close()
    while target.poll() is None:
        most = max(most, watch.rss())
        used = watch.cpu() - before
        time.sleep(0.1)
    wall = time.monotonic() - begin
    summary = watch.finish()
    return {"processes": SHORT_LIVED, "seen": summary["target"]["processes"], "wall_s": wall,
            "cpu_s": used, "rss_first": first, "rss_most": most,
            "lost": summary["overhead"]["lost_records"]}


def churn(build, loads, minutes):
    target = subprocess.Popen([loads, "exec-storm", "1000000000"])
    looks = []
    try:
        watch = Watch(build, target.pid)
        begin = time.monotonic()
        while time.monotonic() - begin < minutes * 60:
            looks.append((time.monotonic() - begin, watch.cpu(), watch.rss()))
            time.sleep(1)
        seen = watch.finish()["target"]["processes"]
    finally:
        end(target)

    def half(part):
        return {"cpu": (part[-1][1] - part[0][1]) / (part[-1][0] - part[0][0]),
                "rss_most": max(rss for _, _, rss in part)}

    middle = len(looks) // 2
    return {"minutes": minutes, "seen": seen, "rss_first": looks[0][2], "first": half(looks[:middle]),
            "second": half(looks[middle:])}


def quick(build, rounds):
    """`make bench`: per event, against the floor."""
    path = f"{build}/bench-quick.json"
    subprocess.run([f"{build}/bench", "--rounds", str(rounds), "--json", path, f"{build}/memmon-bpf"],
                   check=True, stdout=subprocess.DEVNULL, preexec_fn=pin(range(os.cpu_count())))
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def sums(build):
    """The long way's sum by CPUs, in ns."""
    text = subprocess.run([f"{build}/bench-sum"] + [str(n) for n in SIMULATED_CPUS], check=True,
                          capture_output=True, text=True).stdout
    return [[int(word) for word in line.split()] for line in text.splitlines()]


def measure(build, loads, args):
    return {"quick": quick(build, max(3, args.rounds)),
            "crowds": [crowd(build, loads, n) for n in CROWDS],
            "short_lived": short_lived(build, loads),
            "churn": churn(build, loads, args.minutes), "sums": sums(build)}

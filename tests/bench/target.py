# SPDX-License-Identifier: GPL-2.0-or-later
"""A target at its gate (gate.c), processes of an observer, and what they used."""
import os
import select
import shutil
import subprocess
import tempfile
import time

PATIENCE_S = 90


class Failed(Exception):
    """An observer that does not run here, and the message that says why."""


def pin(cpus):
    return lambda: os.sched_setaffinity(0, cpus)


class Target:
    """COMMAND behind the gate; `outer` wraps the gate and `inner` the command."""

    def __init__(self, gate, command, cpu, outer=(), inner=()):
        self.dir = tempfile.mkdtemp(prefix="memmon-bench-")
        for name in ("up", "down"):
            os.mkfifo(f"{self.dir}/{name}")
        self.up = os.open(f"{self.dir}/up", os.O_RDWR)
        self.down = os.open(f"{self.dir}/down", os.O_RDWR)
        self.text = b""
        argv = [a.replace("{dir}", self.dir) for a in outer]
        argv += [gate, self.dir, str(cpu)]
        argv += [a.replace("{dir}", self.dir) for a in inner] + command
        wide = range(os.cpu_count())
        with open(f"{self.dir}/target.out", "wb") as out, open(f"{self.dir}/target.err", "wb") as err:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                            cwd=self.dir, preexec_fn=pin(wide if cpu < 0 else {0}))
        try:
            self.pid = int(self.hear("pid")[0])
        except BaseException:
            self.close()
            raise

    def hear(self, word):
        end = time.monotonic() + PATIENCE_S
        while b"\n" not in self.text:
            if time.monotonic() > end:
                raise Failed(f"no end after {PATIENCE_S} s")
            if select.select([self.up], [], [], 0.2)[0]:
                self.text += os.read(self.up, 4096)
            elif self.process.poll() is not None:
                raise Failed(last_words(f"{self.dir}/target.err"))
        line, self.text = self.text.split(b"\n", 1)
        said, *rest = line.decode().split()
        if said != word:
            raise Failed(f"the gate said '{said}' instead of '{word}'")
        return rest

    def go(self):
        """Runs the command; returns its CPU seconds, its ru_maxrss in bytes, and the wall clock's."""
        start = time.monotonic()
        os.write(self.down, b"\n")
        us, kib, status = map(int, self.hear("done"))
        if status:
            raise Failed(f"the target ended with wait status {status}: " +
                         last_words(f"{self.dir}/target.err"))
        return us / 1e6, kib << 10, time.monotonic() - start

    def finish(self):
        os.write(self.down, b"\n")
        self.process.wait(PATIENCE_S)

    def close(self):
        end(self.process)
        os.close(self.up)
        os.close(self.down)
        shutil.rmtree(self.dir, ignore_errors=True)


def end(process):
    """Kills a process of ours and all below it, if it still runs."""
    if process.poll() is None:
        for pid in reversed(tree(process.pid)):
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                pass
        process.wait()


def last_words(path):
    """What it said first and last: the cause, as a rule, and what came of it."""
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = [line.strip()[:200] for line in file if line.strip()]
    return " … ".join(dict.fromkeys(lines[:1] + lines[-1:])) or "it ended and said nothing"


def tree(root, without=0):
    """The pids of a process and all below it, parents first."""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                parents.setdefault(int(file.read().rsplit(")", 1)[1].split()[1]), []).append(int(name))
        except OSError:
            pass
    found = [root]
    for pid in found:
        found += [child for child in parents.get(pid, []) if child != without]
    return found


def cpu_of(pids):
    """CPU seconds of live processes, to the nanosecond."""
    total = 0
    for pid in pids:
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
                    total += int(file.read().split()[0])
        except OSError:
            pass
    return total / 1e9


def memory_of(pids, field="VmHWM"):
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
                total += sum(int(line.split()[1]) << 10 for line in file if line.startswith(field))
        except OSError:
            pass
    return total

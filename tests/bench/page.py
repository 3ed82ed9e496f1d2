# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes what was measured into docs/BENCHMARKS.md, between its markers."""
import glob
import os
import platform
import statistics

BEGIN, END = "<!-- begin: written by make bench-all -->", "<!-- end: written by make bench-all -->"
REFERENCE = "nobody"
MIB = 1 << 20


def first_line(path, start):
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith(start):
                return line[len(start):].strip(' \t\n":=')
    return "n/a"


def machine():
    mitigations = []
    for path in sorted(glob.glob("/sys/devices/system/cpu/vulnerabilities/*")):
        with open(path, encoding="utf-8", errors="replace") as file:
            said = file.read().strip()
        if said != "Not affected":
            mitigations.append(f"{os.path.basename(path)}: {said}")
    total = int(first_line("/proc/meminfo", "MemTotal").split()[0])
    virtual = " hypervisor" in first_line("/proc/cpuinfo", "flags")
    return {"cpu": first_line("/proc/cpuinfo", "model name"), "cpus": os.cpu_count(),
            "virtual": virtual, "memory_bytes": total << 10,
            "kernel": f"{platform.release()} {platform.machine()} ({platform.version()})",
            "distribution": first_line("/etc/os-release", "PRETTY_NAME"), "mitigations": mitigations}


def table(head, rows):
    lines = ["| " + " | ".join(row) + " |" for row in [head] + rows]
    lines.insert(1, "|" + "---|" * len(head))
    return "\n".join(lines) + "\n"


class Spread:
    """The median of some numbers and the middle half of them, of fewer than five all."""

    def __init__(self, numbers):
        self.numbers = sorted(numbers)
        self.median = statistics.median(numbers)
        self.low, self.high = self.numbers[0], self.numbers[-1]
        if len(numbers) >= 5:
            self.low, _, self.high = statistics.quantiles(numbers, n=4, method="inclusive")


def digits(x):
    return f"{x:.3f}" if x < 2 else f"{x:.1f}"


def ratio_cell(spread):
    if not spread:
        return "-"
    return f"**{digits(spread.median)}** {digits(spread.low)}–{digits(spread.high)}"


def mib(n):
    return "n/a" if n is None else f"{n / MIB:.1f}"


class Ratios:
    """CPU time over that of the untraced run of the same round."""

    def __init__(self, result, run):
        rows = [r for r in result["runs"] if r["run"] == run]
        base = {(r["work"], r["round"]): r["cpu_s"] for r in rows if r["observer"] == REFERENCE}
        self.cells = {}
        for r in rows:
            if (r["work"], r["round"]) in base:
                self.cells.setdefault((r["work"], r["observer"]), []).append(
                    r["cpu_s"] / base[r["work"], r["round"]])

    def spread(self, work, observer):
        numbers = self.cells.get((work, observer))
        return Spread(numbers) if numbers else None


def about(result):
    m = result["machine"]
    n = {run: 1 + max((r["round"] for r in result["runs"] if r["run"] == run), default=-1)
         for run in (1, 2)}
    rows = [["CPU", f"{m['cpus']} × {m['cpu']}" + (", virtual" if m["virtual"] else "")],
            ["Memory", f"{m['memory_bytes'] / (1 << 30):.0f} GiB"], ["Kernel", m["kernel"]],
            ["Distribution", m["distribution"]], ["Mitigations", "; ".join(m["mitigations"]) or "none"],
            ["When", f"{result['started']} to {result['ended']}, load average at the start "
             f"{result['load_average'][0]:.1f}" + (f"; {result['note']}" if result["note"] else "")],
            ["Rounds", f"{n[1]} of what is ours, fewer of the peers; second run {n[2]}"]]
    return table(["", ""], rows)


def ratio_tables(result, ratios):
    works = [w for w in result["works"] if not w["spike"]]
    text = ""
    for at in range(0, len(works), 4):
        some = works[at:at + 4]
        rows = []
        for o in result["observers"]:
            cells = [ratios.spread(w["name"], o["name"]) for w in some]
            if o["name"] != REFERENCE and any(cells):
                rows.append([o["name"]] + [ratio_cell(c) for c in cells])
        text += table(["CPU time of the target, × untraced"] +
                      [f"{w['name']}: {w['what']}" for w in some], rows) + "\n"
    return text


def own_cost(result, observer):
    rows = [r for r in result["runs"] if r["observer"] == observer and r["own_cpu"] is not None]
    if not rows:
        return "in the target", "in the target"
    cpu = [r["own_cpu"] * 100 for r in rows]
    return (f"{statistics.median(cpu):.1f} % (at most {max(cpu):.0f} %)",
            mib(statistics.median(r["own_rss"] for r in rows)))


def ran(result, observer):
    return any(r["observer"] == observer["name"] for r in result["runs"] + result["peaks"])


def seen(result, work, observer):
    numbers = [r["reported"] for r in result["peaks"]
               if r["work"] == work and r["observer"] == observer and r["reported"] is not None]
    if not numbers:
        return "n/a"
    low, high = mib(min(numbers)), mib(max(numbers))
    return low if low == high else f"{low}–{high}"


def peers(result):
    spikes = [w for w in result["works"] if w["spike"]]
    inner = [o["name"] for o in result["observers"] if o["how"] == "inner"]
    rows, truth = [], ["**truth**", "", ""]
    for w in spikes:
        # those inside the target are part of what is resident
        mine = [r for r in result["peaks"] if r["work"] == w["name"] and r["observer"] not in inner]
        if mine:
            low, high = mib(min(r["truth"] for r in mine)), mib(max(r["truth"] for r in mine))
            ms = statistics.median(r["ms"] for r in mine if r["observer"] == REFERENCE)
            truth.append(f"**{low if low == high else low + '–' + high}**, in {ms:.1f} ms")
        else:
            truth.append("n/a")
    rows.append(truth + [""])
    for o in result["observers"]:
        if not ran(result, o) or o["name"].startswith(REFERENCE):
            continue
        cpu, rss = own_cost(result, o["name"])
        rows.append([o["name"], cpu, rss] + [seen(result, w["name"], o["name"]) for w in spikes] +
                    [o["misses"]])
    text = table(["", "own CPU while the target runs", "own RSS, MiB"] +
                 [f"peak it reports, MiB: {w['what']}" for w in spikes] + ["misses"], rows)
    failures = []
    for o in result["observers"]:
        for work, why in o["failures"].items():
            failures.append(f"- {o['name']} on {work}: `{why}`" if ran(result, o) else
                            f"- {o['name']}: `{why}`")
    if failures:
        text += "\nDid not run on this machine:\n\n" + "\n".join(dict.fromkeys(failures)) + "\n"
    return text


def agreement(result):
    runs = [Ratios(result, 1), Ratios(result, 2)]
    agree, apart = 0, []
    for work, observer in runs[1].cells:
        a, b = (run.spread(work, observer) for run in runs)
        # one number has no spread
        if not a or observer == REFERENCE or len(b.numbers) < 3:
            continue
        if a.low <= b.high and b.low <= a.high:
            agree += 1
        else:
            apart.append([work, observer, ratio_cell(a), ratio_cell(b)])
    text = (f"A second, independent run of all that is ours followed. Of {agree + len(apart)} ratios "
            f"{agree} agree within their spread: the middle halves of both runs overlap.\n")
    if apart:
        text += "\n" + table(["workload", "observer", "first run", "second run"], sorted(apart))
    return text


def floor(quick):
    rows = []
    for v in quick["variants"]:
        added, times = v["added_ns"], v["times_empty"]
        rows.append([v["load"], v["variant"], f"{v['ns_per_event']['median']:.0f}",
                     "-" if v["variant"] == "untraced" else
                     f"{added['median']:+.0f} ({added['min']:+.0f} to {added['max']:+.0f})",
                     f"{times:.2f}" if times and v["variant"] != "untraced" else "-"])
    return table(["load", "", "ns per event", "added by it", "× the empty program"], rows)


def ourselves(own):
    tool, short, churn = own["quick"]["tool"], own["short_lived"], own["churn"]
    rows = [[f"{c['processes']:,} idle processes" if c["processes"] > 1 else "1 idle process",
             f"{c['seen']:,}", f"{c['start_s'] * 1e3:.0f} ms", f"{c['cpu'] * 100:.2f} %",
             f"{mib(c['rss'])}, at its start {mib(c['rss_start'])}"]
            for c in own["crowds"]]
    rows.append([f"{short['processes']:,} short-lived ones in {short['wall_s']:.0f} s",
                 f"{short['seen']:,}", "", f"{short['cpu_s'] / short['wall_s'] * 100:.2f} %",
                 f"{mib(short['rss_first'])}, at most {mib(short['rss_most'])}"])
    for half in ("first", "second"):
        rows.append([f"{churn['minutes']:g} min of fork + exec, {half} half",
                     f"{churn['seen']:,} in all" if half == "second" else "", "",
                     f"{churn[half]['cpu'] * 100:.2f} %", f"at most {mib(churn[half]['rss_most'])}"])
    return table(["watching, at 10 Hz", "processes seen", "first line after", "CPU, of one core",
                  "RSS, MiB"], rows) + \
        (f"\nStart-up to the first line, median of ten on one idle process: "
         f"{tool['first_line_ms']:.0f} ms. Records lost under the short-lived ones: {short['lost']}.\n")


def growth(sums):
    return table(["CPUs", "ns per sum"], [[str(n), str(ns)] for n, ns in sums])


def write(result, path):
    sections = {"The machine": about(result),
                "Per event, against the floor": floor(result["own"]["quick"]),
                "What it costs the target": ratio_tables(result, Ratios(result, 1)),
                "What each takes, and what it sees of a spike": peers(result),
                "memmon-bpf itself": ourselves(result["own"]),
                "More CPUs": growth(result["own"]["sums"]), "Again": agreement(result)}
    with open(path, encoding="utf-8") as file:
        page = file.read()
    for title, body in sections.items():
        begin = f"## {title}\n"
        head, rest = page.split(begin, 1)
        text, old = rest.split(BEGIN, 1)
        _, tail = old.split(END, 1)
        page = f"{head}{begin}{text}{BEGIN}\n\n{body.rstrip()}\n\n{END}{tail}"
    with open(path, "w", encoding="utf-8") as file:
        file.write(page)

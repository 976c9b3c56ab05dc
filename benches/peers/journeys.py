"""Runs journeys beside their peers and writes their sections of RESULTS.md.

usage: journeys.py [--rounds N] [JOURNEY …]      all of them without a name
"""
import argparse
import importlib
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import time

from common import ROOT, WORK, make_data

JOURNEYS = {"W1a": "w1a", "W1b": "w1b", "W2": "w2", "W3": "w3", "W4": "w4", "W4c": "w4c", "Planning": "planning",
            "Checking": "checking", "Changes": "changes"}
RESULTS = ROOT / "benches" / "RESULTS.md"
HEAD = """# Results

What `make bench` measured: medians over rounds, contestants in turn within each round, ratios taken round by round.
These machines are shared and noisy: only the ratios travel. Each section says when and on what it was measured.
"""


def table_of(rows, names, figure, base, columns):
    """A Markdown table: for each contestant the median ratio of `figure` to the base, its range, and median figures."""
    by = {}
    for _, name, turn, figures in rows:
        by.setdefault(name, {})[turn] = figures
    lines = ["| | ratio | lowest – highest | rounds | " + " | ".join(title for title, _, _ in columns) + " |",
             "|---|" + "---|" * (len(columns) + 3)]
    for name in names:
        ratios = [figures[figure] / by[base][turn][figure] for turn, figures in by[name].items()]
        cells = [f"{statistics.median(ratios):.2f}", f"{min(ratios):.2f} – {max(ratios):.2f}", str(len(ratios))]
        for _, key, form in columns:
            values = [figures[key] for figures in by[name].values() if figures.get(key) is not None]
            cells.append(form(statistics.median(values)) if values else "")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30)
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, Linux {platform.release()}"


def commit():
    told = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True)
    return told.stdout.strip() or "unknown"


def write_section(name, text):
    """Puts a journey's section in its place; the others stay as they were."""
    old = RESULTS.read_text() if RESULTS.exists() else HEAD
    parts = re.split(r"(?m)^(?=## )", old)
    sections = {part.split()[1]: part.rstrip() + "\n" for part in parts[1:]}
    sections[name] = text
    RESULTS.write_text(HEAD + "".join("\n" + sections[key] for key in sorted(sections)))


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("journeys", nargs="*", metavar="JOURNEY", help=", ".join(JOURNEYS))
    options = options.parse_args()
    unknown = set(options.journeys) - set(JOURNEYS)
    if unknown:
        raise SystemExit(f"there is no journey {', '.join(unknown)}; there are {', '.join(JOURNEYS)}")
    make_data()
    for name in options.journeys or JOURNEYS:
        module = importlib.import_module(JOURNEYS[name])
        rows = []
        for row in module.journey(options.rounds):
            rows.append(row)
            print(f"{name} round {row[2] + 1}/{options.rounds} {row[0]}, {row[1]}: {json.dumps(row[3])}", flush=True)
        purpose = " ".join(module.__doc__.split(": ", 1)[1].split())
        purpose = purpose[0].upper() + purpose[1:]
        head = f"## {name}\n\n{purpose}\n\n{time.strftime('%Y-%m-%d')}, commit {commit()}, {machine()}.\n"
        write_section(name, head + "".join(module.report(rows, table_of)))
    print(f"written: {pathlib.Path(RESULTS).relative_to(ROOT)}")


if __name__ == "__main__":
    main()

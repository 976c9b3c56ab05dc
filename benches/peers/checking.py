"""Checking: what 100 rules on the rows of a Rb-28S cost beside the parsing of the same CSV, both by the core that a laptop and
the hub share, on one thread. Parsing is decoding into typed columns, without rules and code lists; checking is what it takes
longer with them. Beside it arrow-csv parses the same file into the same types. The memory is that of the whole process.
"""
import json
import subprocess

from common import DATA, ROOT, run, tool

ROWS = (250_000, 1_000_000)
BASE = "parsing"


def payload(rows):
    file = DATA / f"rb28s-{rows}.csv"
    if not file.exists():
        with open(file.with_suffix(".part"), "wb") as out:
            command = [tool("hub-benches"), "synth", "rb28s", "--publisher", "gmina-100201", "--rows", str(rows)]
            subprocess.run(command, stdout=out, check=True)
        file.with_suffix(".part").rename(file)
    return file


def journey(rounds):
    files = {rows: payload(rows) for rows in ROWS}
    for turn in range(rounds):
        for rows, file in files.items():
            told = json.loads(run(tool("hub-benches"), "rules", file, "--patterns", ROOT / "benches" / "patterns"))
            if told["rows"] != rows or told["rules"] != 100:
                raise RuntimeError(f"{file}: {told}")
            for name, key in ((BASE, "parse_s"), ("checking", "check_s"), ("arrow-csv", "bare_s")):
                yield f"{rows:,} rows", name, turn, {"wall": told[key], "peak_mib": told["peak_mib"]}


def report(rows, table_of):
    columns = [("s", "wall", "{:.2f}".format), ("MiB of the process", "peak_mib", "{:.0f}".format)]
    for part in dict.fromkeys(row[0] for row in rows):
        yield f"\n### {part}\n\n"
        yield table_of([row for row in rows if row[0] == part], (BASE, "checking", "arrow-csv"), "wall", BASE, columns)

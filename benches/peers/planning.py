"""Planning: how long a scan takes to be planned over 1,000, 10,000 and 100,000 live files. Fifty publishers send five rows
for each of many days: every push makes one file, and files of different days are never merged.
"""
import datetime
import time

from common import HUBS, Hub, empty, run, tool
from w4c import live_files

PUBLISHERS = 50
ROWS = 5
FILES = (1_000, 10_000, 100_000)
FIRST = datetime.date(2018, 1, 1)
DATASET = "rb28s_daily"
TIMES = 11


def days(begin, end):
    return ",".join(str(FIRST + datetime.timedelta(days=day)) for day in range(begin, end))


def fill(server, begin, end):
    run(tool("hub-benches"), "senders", "--endpoint", f"http://{server.grpc}", "--keys", server.keys, "--rows", ROWS,
        "--pushes", PUBLISHERS, "--pattern", DATASET, "--periods", days(begin, end))


def plans(server, files):
    """A scan of all, one that statistics cut down to a day, and one of a publisher on a day: one file."""
    day = FIRST + datetime.timedelta(days=files // PUBLISHERS // 2)
    publisher = server.keys.read_text().split("\t")[0]
    pruned = f"_period_end = DATE '{day}'"
    filters = ["", pruned, f"{pruned} AND _publisher = '{publisher}'"]
    told = server.read("plan", DATASET, "--times", TIMES, *(part for text in filters for part in ("--filter", text)))
    return dict(zip(("all_ms", "day_ms", "file_ms"), told["ms"]))


def statements(server, files):
    """The same as statements: a count of all, which statistics answer, and the rows of one file."""
    day = FIRST + datetime.timedelta(days=files // PUBLISHERS // 2)
    publisher = server.keys.read_text().split("\t")[0]
    folder = empty(server.root.parent / "statements")
    (folder / "count.sql").write_text(f"select count(*) from {DATASET}")
    (folder / "file.sql").write_text(
        f"select * from {DATASET} where _period_end = DATE '{day}' and _publisher = '{publisher}'")
    told = server.statements(folder)
    if told["refused"] or told["answers"]["file"]["rows"] != ROWS or told["answers"]["count"]["sum"] != files * ROWS:
        raise RuntimeError(f"answers over {files} files: {told}")
    return {f"{name}_query_ms": answer["s"] * 1e3 for name, answer in told["answers"].items()}


def journey(_):
    # Each push a version and a file of its own: what shares an open version would share a file too.
    with Hub(keys_of=("gmina",), stays=True, limits_open_version_ms=0) as server:
        filled, before = 0, server.memory_mib()
        for files in FILES:
            end = files // PUBLISHERS
            fill(server, filled, end)
            filled = end
            live = len(live_files(server.root / "tables" / f"{DATASET}_v1"))
            if live != files:
                raise RuntimeError(f"{live} live files, not {files}")
            figures = {"files": files, **plans(server, files), **statements(server, files), "rss_mib": server.memory_mib()}
            yield "planning", f"{files:,} files", 0, figures
    begun = time.perf_counter()
    with server:
        start = time.perf_counter() - begun
        yield "planning", "after a new start", 0, {
            "start_s": start, "empty_mib": before, "rss_mib": server.memory_mib(), **plans(server, FILES[-1])}
    empty(HUBS)


def report(rows, _):
    lines = ["| live files | all, ms | one day, ms | one file, ms | `count(*)`, ms | rows of one file, ms | server's MiB |",
             "|---|---|---|---|---|---|---|"]
    for _, name, _, told in rows:
        cells = [f"{told[key]:.1f}" if key in told else "" for key in ("all_ms", "day_ms", "file_ms", "count_query_ms", "file_query_ms")]
        lines.append(f"| {name} | " + " | ".join([*cells, f"{told['rss_mib']:.0f}"]) + " |")
    last = rows[-1][3]
    memory = (last["rss_mib"] - last["empty_mib"]) * (1 << 20) / FILES[-1]
    yield "\n" + "\n".join(lines) + (
        f"\n\nA server with {FILES[-1]:,} live files starts in {last['start_s']:.1f} s; before the first push it held "
        f"{last['empty_mib']:.0f} MiB, so that a file takes about {memory:,.0f} bytes of memory.\n")

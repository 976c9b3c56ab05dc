"""W4: 2,500 publishers send 200 rows each, every report acknowledged when it is durable (and, in the hub, checked
and visible). One sender (a) and eight (b); then corrections, and pushes beside a storm of corrections.
"""
import json
import queue
import statistics
import subprocess
import sys
import threading
import time

from common import HUBS, OUT, WORK, Hub, Postgres, empty, peer, run, tool

PUSHES = 2_500
ROWS = 200
CORRECTIONS = 500
KINDS = ("gmina", "powiat")
BASE = "PostgreSQL, COPY and commit"
DDL = """create table rep (jednostka_regon text, dzial text, rozdzial text, grupa text, paragraf text, p4 text,
plan numeric(18,2), zaangazowanie numeric(18,2), wykonanie numeric(18,2), zobowiazania numeric(18,2))"""


SUM = "SELECT count(*), sum(wykonanie) FROM {}"


def senders(server, *args):
    return [tool("hub-benches"), "senders", "--endpoint", f"http://{server.grpc}", "--keys", server.keys,
            "--rows", str(ROWS), *map(str, args)]


def hub(workers):
    """All pushes, then corrections of some, then new pushes alone and beside a storm of corrections."""
    with Hub(keys_of=KINDS, stays=True) as server:
        told = json.loads(run(*senders(server, "--senders", workers, "--pushes", PUSHES)))
        begun = time.perf_counter()
        rows = int(server.query(SUM.format("rb28s")).split(",")[0])
        told["query_s"] = time.perf_counter() - begun
        if rows != PUSHES * ROWS:
            raise RuntimeError(f"the hub holds {rows} rows, not {PUSHES * ROWS}")
        if workers == 1:
            correct = ("--pushes", CORRECTIONS, "--seed", 2)
            told["correction_p50"] = json.loads(run(*senders(server, *correct)))["p50"]
            fresh = lambda period: senders(server, "--pushes", CORRECTIONS, "--period", period)
            told["p99_alone"] = json.loads(run(*fresh("2022-Q4")))["p99"]
            storm = senders(server, "--pushes", 4 * CORRECTIONS, "--seed", 3, "--senders", 2)
            storm = subprocess.Popen(list(map(str, storm)), stdout=subprocess.DEVNULL)
            told["p99_in_storm"] = json.loads(run(*fresh("2021-Q4")))["p99"]
            told["storm_outlasted_pushes"] = storm.poll() is None
            if storm.wait():
                raise RuntimeError("a correction of the storm was refused")
        told["peak_mib"] = server.peak_mib()
        return told


def reports():
    """The hub's own payloads, from a folder that is made once."""
    folder = WORK / "reports"
    if not folder.exists():
        with Hub(keys_of=KINDS, stays=True) as server:
            run(*senders(server, "--pushes", PUSHES, "--write-to", folder))
    return [path.read_bytes() for path in sorted(folder.iterdir())]


def postgres(workers):
    import psycopg
    payloads = reports()
    admin = psycopg.connect(Postgres.DSN, autocommit=True)
    admin.execute("drop table if exists rep")
    admin.execute(DDL)

    def pusher():
        connection = psycopg.connect(Postgres.DSN)
        assert connection.execute("show synchronous_commit").fetchone()[0] == "on"
        connection.commit()

        def push(payload):
            with connection.cursor() as cursor, cursor.copy("copy rep from stdin (format csv, header)") as copy:
                copy.write(payload)
            connection.commit()
        return push

    figures = shared_out(payloads, [pusher() for _ in range(workers)])
    begun = time.perf_counter()
    rows = admin.execute(SUM.format("rep")).fetchone()[0]
    figures["query_s"] = time.perf_counter() - begun
    admin.execute("drop table rep")
    return figures, rows


def delta(_):
    """Stock delta-rs, one append each; it is not durable, and 300 reports show where it goes."""
    import deltalake
    import polars
    few = reports()[:300]
    path = str(empty(OUT) / "delta")
    push = lambda payload: deltalake.write_deltalake(path, polars.read_csv(payload, infer_schema=False), mode="append")
    figures = shared_out(few, [push])
    return figures, deltalake.DeltaTable(path).count() * PUSHES // len(few)


def shared_out(payloads, pushers):
    """The pushers share the payloads; milliseconds of each push in the order of their ends."""
    jobs, times, lock = queue.Queue(), [], threading.Lock()
    for payload in payloads:
        jobs.put(payload)

    def work(push):
        mine = []
        while True:
            try:
                payload = jobs.get_nowait()
            except queue.Empty:
                break
            begun = time.perf_counter()
            push(payload)
            end = time.perf_counter()
            mine.append((end, (end - begun) * 1e3))
        with lock:
            times.extend(mine)

    threads = [threading.Thread(target=work, args=(push,)) for push in pushers]
    begun = time.perf_counter()
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    wall = time.perf_counter() - begun
    in_order = [time for _, time in sorted(times)]
    part = max(1, len(in_order) // 20)
    ranked = sorted(in_order)
    return {"pushes": len(ranked), "total": wall, "p50": ranked[len(ranked) // 2],
            "p99": ranked[int(len(ranked) * 0.99)],
            "growth": statistics.fmean(in_order[-part:]) / statistics.fmean(in_order[:part])}


PEERS = {BASE: postgres, "delta-rs 1.6, append": delta}
RUNS = [("1 sender", 1, BASE), ("1 sender", 1, "hub"), ("1 sender", 1, "delta-rs 1.6, append"),
        ("8 senders", 8, BASE), ("8 senders", 8, "hub")]


def journey(rounds):
    with Postgres():
        reports()
        for turn in range(rounds):
            for group, workers, name in RUNS:
                figures = hub(workers) if name == "hub" else peer("w4.py", name, workers)
                if figures.get("rows", PUSHES * ROWS) != PUSHES * ROWS:
                    raise RuntimeError(f"{name} holds {figures['rows']} rows, not {PUSHES * ROWS}")
                figures["rate"] = figures["pushes"] / figures["total"]
                yield group, name, turn, figures
    empty(HUBS)


def report(rows, table_of):
    ms, times = "{:.2f}".format, "{:.2f}".format
    shared = [("p99 ms", "p99", ms), ("growth", "growth", times), ("pushes/s", "rate", "{:,.0f}".format),
              ("sum over all rows, s", "query_s", "{:.3f}".format)]
    for group, figure, title in [
        ("1 sender", "p50", "**W4a, one sender**; ratio of the median push"),
        ("8 senders", "rate", "**W4b, eight senders**; ratio of pushes a second (more is better)"),
    ]:
        yield f"\n{title}\n\n"
        mine = [row for row in rows if row[0] == group]
        names = [name for of, _, name in RUNS if of == group]
        yield table_of(mine, names, figure, BASE, [("p50 ms", "p50", ms), *shared])
    alone = [row[3] for row in rows if row[0] == "1 sender" and row[1] == "hub"]
    median = lambda key: statistics.median(figures[key] for figures in alone)
    yield (f"\nCorrection of a whole report, one sender: p50 {median('correction_p50'):.2f} ms. "
           f"p99 of new pushes: {median('p99_alone'):.2f} ms alone, {median('p99_in_storm'):.2f} ms beside two senders that "
           f"correct without pause.\n")


if __name__ == "__main__":
    name, workers = sys.argv[2:4]
    figures, rows = PEERS[name](int(workers))
    print(json.dumps({**figures, "rows": rows}))

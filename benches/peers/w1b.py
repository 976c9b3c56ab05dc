"""W1b: one large Arrow stream becomes durable columns. The hub gets it by `hub push`, and checks, hashes and
keeps the original besides; the others are Flight servers that get the same file by DoPut from a client of ours.
"""
import json
import resource
import sys

from common import DATA, HERE, OUT, TABLES, Hub, Server, empty, make_arrow, processor_s, timed, tool

MEASURE = {"lineitem": "l_extendedprice", "municipal": "plan"}
BASE = "bare Flight, two writers"
SERVERS = {
    BASE: [tool("hub-benches"), "flight", "--listen", "127.0.0.1:{port}", OUT],
    "pyarrow 26 Flight": [sys.executable, HERE / "flight_server.py", "{port}", OUT],
}
CONTESTANTS = [BASE, "hub push", "pyarrow 26 Flight"]


def with_processor(server, work):
    """What comes of the work, and the processor time of the server and of the client that ended in it."""
    both = lambda: processor_s(server.process.pid) + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    before = both()
    return work(), both() - before


def put(server, table):
    """From the start of the client to its exit, like `hub push`."""
    with Server(*server) as peer:
        told = []
        ask = [tool("hub-benches"), "put", "--to", f"http://127.0.0.1:{peer.port}", DATA / f"{table}.arrow"]
        wall, spent = with_processor(peer, lambda: timed(*ask, told=told))
    return {"wall": wall, "cpu": spent, "rows": json.loads(told[0])["rows"], "sum": sum_of(table)}


def sum_of(table):
    """Rows and the sum of a column of money, as they lie in the files."""
    import pyarrow.compute as compute
    import pyarrow.parquet as parquet
    column = parquet.read_table(OUT, columns=[MEASURE[table]])[MEASURE[table]]
    return [len(column), str(compute.sum(column))]


def hub(table):
    with Hub() as server:
        wall, spent = with_processor(server, lambda: server.push(DATA / f"{table}.arrow", table))
        rows, total = server.query(f"SELECT count(*), sum({MEASURE[table]}) FROM {table}").split(",")
        return {"wall": wall, "cpu": spent, "rows": int(rows), "sum": [int(rows), total], "peak_mib": server.peak_mib()}


def journey(rounds):
    for table in TABLES:
        make_arrow(table)
    for turn in range(rounds):
        for table in TABLES:
            expected = None
            for name in CONTESTANTS:
                empty(OUT)
                figures = hub(table) if name == "hub push" else put(SERVERS[name], table)
                expected = expected or figures["sum"]
                if figures["sum"] != expected or figures["rows"] != expected[0]:
                    raise RuntimeError(f"{name} holds {figures['sum']} of {table}, not {expected}")
                yield table, name, turn, figures


def report(rows, table_of):
    for table in TABLES:
        size = (DATA / f"{table}.arrow").stat().st_size / 1e6
        yield f"\n**{table}**, {size:,.0f} MB of Arrow; ratio of wall time to «{BASE}»\n\n"
        yield table_of([row for row in rows if row[0] == table], CONTESTANTS, "wall", BASE, [
            ("seconds", "wall", "{:.2f}".format), ("MB/s", "wall", lambda wall: f"{size / wall:,.0f}"),
            ("processor s", "cpu", "{:.2f}".format), ("server's peak MiB", "peak_mib", "{:.0f}".format)])

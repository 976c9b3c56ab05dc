"""W3: questions. The 22 queries of TPC-H at scale factor 1 over the hub's tables, beside DataFusion in process (two
partitions) and DuckDB; then small statements on lineitem by one client and by 32, beside PostgreSQL with a b-tree.
"""
import json
import math
import statistics
import time

from common import DATA, OUT, ROOT, TPCH, Hub, Postgres, empty, make_tpch, peer, run, tool
from w2 import extract_of, load_postgres

QUERIES = ROOT / "benches" / "queries"
BASE = "DataFusion 55, in process"
OVER = "DataFusion 55 over the hub's files"
HUB = "hub"
ROOMY = "hub, 1 GiB a statement"
DUCKDB = "DuckDB 1.4, in process"
POSTGRES = "PostgreSQL, b-tree"
# All statements share it in four equal parts.
ROOMY_MIB = 4096
CLIENTS = 32
SECONDS = 6
SMALL = {
    "point": "select l_orderkey, l_linenumber, l_quantity, l_extendedprice, l_shipdate from lineitem where l_orderkey = :a;",
    "range": "select l_returnflag, count(*) as n, sum(l_extendedprice) as s from lineitem "
             "where l_orderkey between :a and :a + 20000 group by l_returnflag;",
    "full": "select l_returnflag, l_linestatus, count(*) as n, sum(l_extendedprice) as s from lineitem "
            "group by l_returnflag, l_linestatus;",
}
TITLES = {"point": "an order's rows", "range": "an aggregate over 20,001 order keys",
          "full": "an aggregate over all rows, always the same (the hub keeps the answer, decision 0037)"}


def datafusion(folders):
    tables = [part for table in TPCH for part in ("--table", f"{table}={folders[table]}/")]
    return json.loads(run(tool("hub-benches"), "engine", QUERIES, *tables))


def duckdb(_):
    """Two passes, the last counts, as the others do."""
    import decimal
    import duckdb
    connection = duckdb.connect(config={"threads": 2})
    for table, folder in make_tpch().items():
        connection.execute(f"create view {table} as from '{folder}/*.parquet'")
    for _ in range(2):
        answers = {}
        for path in sorted(QUERIES.glob("*.sql")):
            begun = time.perf_counter()
            rows = connection.execute(path.read_text()).fetchall()
            wall = time.perf_counter() - begun
            numbers = [cell for row in rows for cell in row if isinstance(cell, (int, float, decimal.Decimal))]
            answers[path.stem] = {"s": wall, "rows": len(rows), "sum": float(sum(map(float, numbers)))}
    return {"answers": answers, "refused": {}}


def compared(name, told, expected):
    """The same rows and sums as the first contestant, and how long all took."""
    for query, answer in told["answers"].items():
        other = expected["answers"][query]
        if answer["rows"] != other["rows"] or not math.isclose(answer["sum"], other["sum"], rel_tol=1e-6, abs_tol=0.01):
            raise RuntimeError(f"{name} answers {query} with {answer}, not {other}")
    ratios = [answer["s"] / expected["answers"][query]["s"] for query, answer in told["answers"].items()]
    return {**told, "geomean": statistics.geometric_mean(ratios), "answered": len(ratios),
            "total": sum(answer["s"] for answer in told["answers"].values())}


def tpch(tight, roomy, turn):
    folders = make_tpch()
    expected = datafusion(folders)
    own = {table: tight.root / "tables" / f"{table}_v1" / "d" for table in TPCH}
    for name, ask in [
        (BASE, lambda: expected),
        (OVER, lambda: datafusion(own)),
        (HUB, lambda: tight.statements(QUERIES)),
        (ROOMY, lambda: roomy.statements(QUERIES)),
        (DUCKDB, lambda: peer("w3.py", "duckdb")),
    ]:
        yield "tpch", name, turn, compared(name, ask(), expected)


def pgbench(kinds, clients, seconds):
    """PostgreSQL's own load generator, which costs next to nothing; keys are drawn as for the hub."""
    folder = empty(OUT)
    scripts = []
    for kind in kinds:
        (folder / f"{kind}.sql").write_text(f"\\set a random(1, 5900000)\n{SMALL[kind]}\n")
        scripts += ["-f", f"{folder / kind}.sql"]
    run(Postgres.program("pgbench"), "-h", "127.0.0.1", "-p", Postgres.PORT, "-U", "bench", "-n", "-l",
        "--log-prefix", folder / "log", "-c", clients, "-j", 1, "-T", seconds, *scripts, "postgres")
    times = sorted(int(line.split()[2]) / 1e3 for path in folder.glob("log*") for line in path.read_text().splitlines())
    return {"rate": len(times) / seconds, "p50": times[len(times) // 2], "p99": times[int(len(times) * 0.99)]}


def small(server, turn):
    for kind in SMALL:
        yield kind, POSTGRES, turn, pgbench([kind], 1, 2)
        yield kind, HUB, turn, server.read("clients", "--kind", kind, "--seconds", 2, "--seed", 1 + 1_000 * turn)
    yield "many", POSTGRES, turn, pgbench(["point", "range"], CLIENTS, SECONDS)
    yield "many", HUB, turn, server.read("clients", "--clients", CLIENTS, "--seconds", SECONDS, "--seed", 500 + 1_000 * turn)


def loaded(server):
    for table in TPCH:
        server.push(DATA / f"{table}.csv", table)
    # What is made of the tables in the background would be measured otherwise.
    for table in TPCH:
        extract_of(server, table)


def journey(rounds):
    make_tpch()
    with Postgres(), Hub() as tight, Hub(limits_query_memory_mib=ROOMY_MIB) as roomy:
        load_postgres()
        loaded(tight)
        loaded(roomy)
        for turn in range(rounds):
            yield from tpch(tight, roomy, turn)
            yield from small(tight, turn)


def report(rows, table_of):
    mine = [row for row in rows if row[0] == "tpch"]
    yield f"\n**TPC-H**, the second of two passes; geometric mean of the ratios to «{BASE}»\n\n"
    names = [BASE, OVER, HUB, ROOMY, DUCKDB]
    yield table_of(mine, names, "geomean", BASE, [("answered", "answered", str), ("all, s", "total", "{:.2f}".format)])
    refused = {(row[1], query, text) for row in mine for query, text in row[3]["refused"].items()}
    for name, query, text in sorted(refused):
        yield f"\n- refused by «{name}»: {query}: {text}"
    ms = "{:.2f}".format
    for kind, title in TITLES.items():
        yield f"\n\n**One client, {title}**; ratio of the median to «{POSTGRES}»\n\n"
        yield table_of([row for row in rows if row[0] == kind], [POSTGRES, HUB], "p50", POSTGRES, [
            ("p50 ms", "p50", ms), ("p99 ms", "p99", ms)])
    yield f"\n**{CLIENTS} clients**, points and ranges half and half; ratio of statements a second (more is better)\n\n"
    yield table_of([row for row in rows if row[0] == "many"], [POSTGRES, HUB], "rate", POSTGRES, [
        ("statements/s", "rate", "{:,.0f}".format), ("p50 ms", "p50", ms), ("p99 ms", "p99", ms)])


if __name__ == "__main__":
    print(json.dumps(duckdb(None)))

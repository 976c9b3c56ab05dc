"""W1a: one large CSV becomes durable columns. The hub gets it by `hub push` over gRPC, and checks, hashes and
keeps the original besides; the others read the file where it lies and are given its types.
"""
import json
import pathlib
import resource
import sys
import time

from common import DATA, OUT, TABLES, Hub, Postgres, empty, fsync_tree, peer, run, timed, tool

LINEITEM = {
    "l_orderkey": "i", "l_partkey": "i", "l_suppkey": "i", "l_linenumber": "i", "l_quantity": "f",
    "l_extendedprice": "f", "l_discount": "f", "l_tax": "f", "l_returnflag": "s", "l_linestatus": "s",
    "l_shipdate": "d", "l_commitdate": "d", "l_receiptdate": "d", "l_shipinstruct": "s", "l_shipmode": "s",
    "l_comment": "s",
}
MUNICIPAL = {
    "teryt": "s", "gmina": "s", "powiat": "s", "wojewodztwo": "s", "rok": "i", "miesiac": "i", "data_wiersza": "d",
    "dzial": "s", "rozdzial": "s", "paragraf": "s", "nazwa_paragrafu": "s", "zrodlo": "s", "plan": "f",
    "plan_po_zmianach": "f", "zaangazowanie": "f", "wykonanie": "f", "naleznosci": "f", "zobowiazania": "f",
    "zobowiazania_wymagalne": "f", "wydatki_niewygasajace": "f", "dotacje": "f", "subwencje": "f", "srodki_ue": "f",
    "mieszkancy": "i", "korekta": "i", "status": "s", "jednostka": "s", "regon": "s", "data_zatwierdzenia": "d",
    "uwagi": "s",
}
COLUMNS = {"lineitem": LINEITEM, "municipal": MUNICIPAL}
MEASURE = {"lineitem": "l_extendedprice", "municipal": "plan"}
BASE = "bare, two threads"


def sql_columns(table, kinds):
    return ", ".join(f"{name} {kinds[kind]}" for name, kind in COLUMNS[table].items())


def bare(table):
    told = json.loads(run(tool("hub-benches"), "bare", DATA / f"{table}.csv", OUT, "--table", table))
    return told["wall"], told["rows"]


def hub(table):
    """From the start of the command to its exit; the server has just started on an empty folder."""
    with Hub() as server:
        command, more = server.hub("publisher", "push", DATA / f"{table}.csv", "--pattern", table, "--period", "2023")
        wall = timed(*command, **more)
        return wall, int(server.query(f"SELECT count(*) FROM {table}")), server.peak_mib()


def polars(table):
    import polars as pl
    kinds = {"i": pl.Int64, "f": pl.Float64, "s": pl.String, "d": pl.Date}
    out = OUT / "polars.parquet"
    begun = time.perf_counter()
    schema = {name: kinds[kind] for name, kind in COLUMNS[table].items()}
    pl.scan_csv(DATA / f"{table}.csv", schema=schema).sink_parquet(out, compression="zstd", compression_level=1)
    fsync_tree(out)
    return time.perf_counter() - begun, pl.scan_parquet(out).select(pl.len()).collect().item()


def duckdb(table):
    import duckdb as engine
    kinds = {"i": "BIGINT", "f": "DOUBLE", "s": "VARCHAR", "d": "DATE"}
    out = OUT / "duckdb.parquet"
    columns = "{" + ", ".join(f"'{name}': '{kinds[kind]}'" for name, kind in COLUMNS[table].items()) + "}"
    source = f"read_csv('{DATA / table}.csv', header=true, delim=',', quote='\"', escape='\"', columns={columns})"
    begun = time.perf_counter()
    engine.sql(f"COPY (FROM {source}) TO '{out}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)")
    fsync_tree(out)
    return time.perf_counter() - begun, engine.sql(f"SELECT count(*) FROM '{out}'").fetchone()[0]


def postgres(table):
    import psycopg
    kinds = {"i": "bigint", "f": "double precision", "s": "text", "d": "date"}
    with psycopg.connect(Postgres.DSN, autocommit=True) as connection:
        connection.execute("drop table if exists w1")
        connection.execute("checkpoint")
        connection.execute(f"create table w1 ({sql_columns(table, kinds)})")
        begun = time.perf_counter()
        with open(DATA / f"{table}.csv", "rb") as source, connection.cursor() as cursor:
            with cursor.copy("copy w1 from stdin (format csv, header)") as copy:
                while block := source.read(1 << 20):
                    copy.write(block)
        # Its pages on the disk too, as the files of the others are.
        connection.execute("checkpoint")
        wall = time.perf_counter() - begun
        rows = connection.execute("select count(*) from w1").fetchone()[0]
        connection.execute("drop table w1")
    return wall, rows


PEERS = {"Polars 2.1": polars, "DuckDB 1.4": duckdb, "PostgreSQL COPY": postgres}
CONTESTANTS = [BASE, "hub push", *PEERS]


def measure(name, table):
    empty(OUT)
    if name == BASE:
        wall, rows = bare(table)
        return {"wall": wall, "rows": rows}
    if name == "hub push":
        wall, rows, peak = hub(table)
        return {"wall": wall, "rows": rows, "peak_mib": peak}
    return peer("w1a.py", name, table)


def journey(rounds):
    """Yields (table, contestant, round, figures); rounds go A B C … A B C …, so that drift hits all alike."""
    with Postgres():
        for turn in range(rounds):
            for table in TABLES:
                expected = None
                for name in CONTESTANTS:
                    figures = measure(name, table)
                    expected = expected or figures["rows"]
                    if figures["rows"] != expected:
                        raise RuntimeError(f"{name} holds {figures['rows']} rows of {table}, not {expected}")
                    yield table, name, turn, figures


def report(rows, table_of):
    sizes = {table: (DATA / f"{table}.csv").stat().st_size for table in TABLES}
    for table in TABLES:
        yield f"\n**{table}**, {sizes[table] / 1e6:,.0f} MB of CSV; ratio of wall time to «{BASE}»\n\n"
        mine = [row for row in rows if row[0] == table]
        speed = lambda wall: f"{sizes[table] / 1e6 / wall:,.0f}"
        yield table_of(mine, CONTESTANTS, "wall", BASE, [
            ("seconds", "wall", "{:.2f}".format), ("MB/s", "wall", speed), ("server's peak MiB", "peak_mib", "{:.0f}".format)])


if __name__ == "__main__":
    name, table = sys.argv[2:4]
    wall, rows = PEERS[name](table)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"wall": wall, "rows": rows, "own_peak_mib": peak}))

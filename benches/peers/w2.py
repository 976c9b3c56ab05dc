"""W2: 6 M rows of lineitem leave for another process. As rows: the hub gives them out of its files over hub.v1 (all columns
are those of the table and five that the hub adds) and over Arrow Flight SQL, pyarrow from memory, PostgreSQL by COPY; each client
decodes and counts. Both flights are taken by pyarrow's client, the hub's at all its endpoints at once.
As a file: the hub's extract and plain HTTP give the same bytes.
"""
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from common import DATA, HERE, OUT, Hub, Postgres, Server, arrow_schema, make_arrow, peer, run

BASE = "pyarrow 26 Flight, from memory"
HUB = "hub, the same columns"
WHOLE = "hub, all columns"
SQL = "hub, Flight SQL, the same columns"
COPY = "PostgreSQL COPY binary"
PLAIN = "plain HTTP"
EXTRACT = "hub extract"
PG_KINDS = {"int64": "bigint", "decimal128(15, 2)": "numeric(15,2)", "string": "text", "date32[day]": "date"}


def load_postgres(table="lineitem", key="l_orderkey"):
    """The table as the hub has it, with a b-tree on the first column of its key."""
    import psycopg
    columns = ", ".join(f"{field.name} {PG_KINDS[str(field.type)]}" for field in arrow_schema(table))
    with psycopg.connect(Postgres.DSN, autocommit=True) as connection:
        if connection.execute("select to_regclass(%s)", (table,)).fetchone()[0] is None:
            connection.execute(f"create table {table} ({columns})")
            with open(DATA / f"{table}.csv", "rb") as source, connection.cursor() as cursor:
                with cursor.copy(f"copy {table} from stdin (format csv, header)") as copy:
                    while block := source.read(1 << 20):
                        copy.write(block)
            connection.execute(f"create index on {table} ({key})")
        connection.execute(f"vacuum analyze {table}")
        connection.execute("checkpoint")
        return connection.execute(f"select count(*) from {table}").fetchone()[0]


def flight(port):
    import pyarrow.flight as client
    begun = time.perf_counter()
    first, rows, size = None, 0, 0
    for chunk in client.connect(f"grpc://127.0.0.1:{port}").do_get(client.Ticket(b"")):
        first = first or time.perf_counter() - begun
        rows += chunk.data.num_rows
        size += chunk.data.nbytes
    return {"wall": time.perf_counter() - begun, "first": first, "rows": rows, "arrow_bytes": size}


def command(sql):
    """A CommandStatementQuery of Arrow Flight SQL in its Any, as Protocol Buffers write it."""
    def field(number, content):
        length, size = bytearray(), len(content)
        while size > 127:
            length.append(size & 127 | 128)
            size >>= 7
        return bytes([number << 3 | 2]) + bytes(length) + bytes([size]) + content
    kind = b"type.googleapis.com/arrow.flight.protocol.sql.CommandStatementQuery"
    return field(1, kind) + field(2, field(1, sql.encode()))


def flight_sql(address):
    import pyarrow.flight as client
    begun = time.perf_counter()
    options = client.FlightCallOptions(headers=[(b"authorization", f"Bearer {os.environ['HUB_BENCH_KEY']}".encode())])
    connection = client.connect(f"grpc://{address}")
    sql = f"select {', '.join(arrow_schema('lineitem').names)} from lineitem"
    info = connection.get_flight_info(client.FlightDescriptor.for_command(command(sql)), options)

    def take(endpoint):
        first, rows, size = None, 0, 0
        for chunk in connection.do_get(endpoint.ticket, options):
            first = first or time.perf_counter() - begun
            if chunk.data is not None:
                rows += chunk.data.num_rows
                size += chunk.data.nbytes
        return first, rows, size

    with ThreadPoolExecutor(len(info.endpoints)) as readers:
        firsts, rows, sizes = zip(*readers.map(take, info.endpoints))
    return {"wall": time.perf_counter() - begun, "first": min(firsts), "rows": sum(rows), "arrow_bytes": sum(sizes)}


def copy_out(_):
    import psycopg
    begun = time.perf_counter()
    first, size = None, 0
    with psycopg.connect(Postgres.DSN) as connection, connection.cursor() as cursor:
        with cursor.copy("copy lineitem to stdout (format binary)") as copy:
            for block in copy:
                first = first or time.perf_counter() - begun
                size += len(block)
        return {"wall": time.perf_counter() - begun, "first": first, "rows": cursor.rowcount, "wire": size}


def download(url):
    """Bytes of a file over HTTP, followed to where it lies; curl throws them away."""
    told = run("curl", "--silent", "--fail", "--location", "--output", "/dev/null", "--write-out",
               "%{time_total} %{time_starttransfer} %{size_download}", url).split()
    return {"wall": float(told[0]), "first": float(told[1]), "wire": int(told[2])}


def extract_of(server, dataset):
    """Waits until the hub has made the extracts, which would be measured otherwise; address and file of the Parquet one."""
    url = f"http://{server.http}/datasets/{dataset}/latest/extract.parquet"
    end = time.time() + 300
    while True:
        try:
            download(url)
            break
        except RuntimeError:
            if time.time() > end:
                raise
            time.sleep(0.5)
    return url, max((server.root / "extracts" / dataset).glob("[0-9]*/extract.parquet"))


def rounds_of(server, port, url, plain, turn):
    for name, figures in [
        (BASE, lambda: peer("w2.py", "flight", port)),
        (HUB, lambda: server.read("pull", "lineitem", "--columns", ",".join(arrow_schema("lineitem").names))),
        (WHOLE, lambda: server.read("pull", "lineitem")),
        (SQL, lambda: peer("w2.py", "flight_sql", server.grpc, HUB_BENCH_KEY=server.key())),
        (COPY, lambda: peer("w2.py", "copy", 0)),
    ]:
        yield "rows", name, turn, figures()
    for name, address in [(PLAIN, plain), (EXTRACT, url)]:
        yield "file", name, turn, download(address)


def journey(rounds):
    make_arrow("lineitem")
    web = [sys.executable, HERE / "web_server.py", "{port}"]
    with Postgres(), Hub() as server:
        expected = load_postgres()
        server.push(DATA / "lineitem.csv", "lineitem")
        url, file = extract_of(server, "lineitem")
        give = [sys.executable, HERE / "flight_server.py", "{port}", OUT, DATA / "lineitem.arrow"]
        with Server(*give) as memory, Server(*web, file.parent) as plain:
            address = f"http://127.0.0.1:{plain.port}/{file.name}"
            # A round before the first warms the servers and the page cache.
            for turn in range(-1, rounds):
                for group, name, turn, figures in rounds_of(server, memory.port, url, address, turn):
                    if group == "rows" and figures["rows"] != expected:
                        raise RuntimeError(f"{name} gave {figures['rows']} rows, not {expected}")
                    if group == "file" and figures["wire"] != file.stat().st_size:
                        raise RuntimeError(f"{name} gave {figures['wire']} bytes of {file.stat().st_size}")
                    if turn >= 0:
                        yield group, name, turn, figures


def report(rows, table_of):
    ms = lambda seconds: f"{seconds * 1e3:.0f}"
    mega = lambda size: f"{size / 1e6:,.0f}"
    shared = [("seconds", "wall", "{:.2f}".format), ("first rows, ms", "first", ms)]
    yield f"\n**As rows**; ratio of wall time to «{BASE}»\n\n"
    yield table_of([row for row in rows if row[0] == "rows"], [BASE, HUB, WHOLE, SQL, COPY], "wall", BASE,
                   [*shared, ("MB of Arrow", "arrow_bytes", mega), ("MB on the line", "wire", mega)])
    yield f"\n**As a file** of Parquet; ratio of wall time to «{PLAIN}»\n\n"
    yield table_of([row for row in rows if row[0] == "file"], [PLAIN, EXTRACT], "wall", PLAIN, [
        ("ms", "wall", ms), ("MB on the line", "wire", mega)])


PEERS = {"flight": flight, "flight_sql": flight_sql, "copy": copy_out}

if __name__ == "__main__":
    print(json.dumps(PEERS[sys.argv[2]](sys.argv[3])))

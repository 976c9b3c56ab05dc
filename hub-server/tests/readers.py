"""Reads a Delta table with deltalake, Polars and DuckDB, and says what each of them sees.

    readers.py TABLE COLUMN

prints one JSON object: for each engine the rows, the exact sum of COLUMN, and rows by publisher.
"""

import json
import sys
from decimal import Decimal
from importlib.metadata import files

import deltalake
import duckdb
import polars


def seen(rows, total, publishers):
    return {
        "rows": int(rows),
        "sum": format(Decimal(total or 0), "f"),
        "publishers": {name: int(count) for name, count in sorted(publishers)},
    }


def by_sql(ask, table, column):
    """What an engine sees that speaks SQL; `ask` gives rows as tuples."""
    [(rows, total)] = ask(f"SELECT count(*), sum({column}) FROM {table}")
    publishers = ask(f"SELECT _publisher, count(*) FROM {table} GROUP BY _publisher")
    return seen(rows, total, publishers)


def with_deltalake(folder, column):
    builder = deltalake.QueryBuilder().register("t", deltalake.DeltaTable(folder))

    def ask(sql):
        answer = polars.DataFrame(builder.execute(sql).read_all())
        return answer.rows()

    return by_sql(ask, "t", column)


def with_polars(folder, column):
    frame = polars.scan_delta(folder)
    [(rows, total)] = frame.select(polars.len(), polars.col(column).sum()).collect().rows()
    publishers = frame.group_by("_publisher").agg(polars.len()).collect().rows()
    return seen(rows, total, publishers)


def with_duckdb(folder, column):
    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    [extension] = [file for file in files("duckdb-ext-delta") if file.suffix == ".duckdb_extension"]
    connection.execute(f"LOAD '{extension.locate()}'")
    return by_sql(lambda sql: connection.execute(sql).fetchall(), f"delta_scan('{folder}')", column)


def main():
    folder, column = sys.argv[1:]
    engines = {"deltalake": with_deltalake, "polars": with_polars, "duckdb": with_duckdb}
    print(json.dumps({name: read(folder, column) for name, read in engines.items()}))


main()

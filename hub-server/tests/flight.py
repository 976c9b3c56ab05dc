"""Asks a hub over Arrow Flight SQL as analysts do: ADBC, pandas, Polars and SQLAlchemy, none of them changed.

    flight.py HOST:PORT SQL...        the key is in HUB_KEY

prints one JSON object: what each of them sees of the statements, and what the drivers learn of the hub.
"""

import json
import os
import sys
import warnings

import adbc_driver_flightsql.dbapi as flightsql
import adbc_driver_manager
import pandas
import polars
import pyarrow
import sqlalchemy
from adbc_driver_flightsql import DatabaseOptions

KEY = os.environ["HUB_KEY"]
BEARER = {DatabaseOptions.AUTHORIZATION_HEADER.value: f"Bearer {KEY}"}


def cells(rows):
    return [["" if value is None else str(value) for value in row] for row in rows]


def with_adbc(connection, sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cells(cursor.fetchall())


def with_pandas(connection, sql):
    frame = pandas.read_sql(sql, connection, dtype_backend="pyarrow")
    return cells(frame.itertuples(index=False))


def with_polars(connection, sql):
    return cells(polars.read_database(sql, connection).rows())


def with_sqlalchemy(engine, sql):
    with engine.connect() as connection:
        return cells(connection.execute(sqlalchemy.text(sql)))


def parameters(connection, engine):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), sum(plan) FROM rb28s WHERE dzial = ? AND plan >= ? AND _period_end = ?",
            ("801", 1, "2022-12-31"),
        )
        by_adbc = cells(cursor.fetchall())
        cursor.execute("SELECT dzial FROM rb28s WHERE plan > $2 OR dzial = $1 GROUP BY dzial", ("801", 10**9))
        numbered = cells(cursor.fetchall())
        rows = pyarrow.record_batch({"0": ["801", "750"]})
        refused = refusal(lambda: cursor.execute("SELECT count(*) FROM rb28s WHERE dzial = ?", rows))
    with engine.connect() as bound:
        text = sqlalchemy.text("SELECT count(*) FROM rb28s WHERE dzial = :dzial")
        by_sqlalchemy = cells(bound.execute(text, {"dzial": "801"}))
    return {"adbc": by_adbc, "numbered": numbered, "sqlalchemy": by_sqlalchemy, "many": refused}


def refusal(call):
    try:
        call()
    except (adbc_driver_manager.Error, sqlalchemy.exc.DBAPIError) as error:
        return str(error)
    return None


def learned(connection, engine):
    """What drivers find out before anybody asks for rows."""
    [catalog] = connection.adbc_get_objects(depth="all", table_name_filter="rb28s").read_all().to_pylist()
    [schema] = catalog["catalog_db_schemas"]
    [table] = schema["db_schema_tables"]
    inspector = sqlalchemy.inspect(engine)
    info = connection.adbc_get_info()
    return {
        "catalog": catalog["catalog_name"],
        "schema": schema["db_schema_name"],
        "type": table["table_type"],
        "columns": [column["column_name"] for column in table["table_columns"]],
        "types": {column["column_name"]: column["xdbc_type_name"] for column in table["table_columns"]},
        "arrow": [field.name for field in connection.adbc_get_table_schema("rb28s")],
        "table_types": connection.adbc_get_table_types(),
        "vendor": info["vendor_name"],
        "inspected": inspector.has_table("rb28s"),
        "inspected_columns": [column["name"] for column in inspector.get_columns("rb28s")],
    }


def refusals(address, connection):
    with connection.cursor() as cursor:
        written = refusal(lambda: cursor.execute("INSERT INTO rb28s VALUES (1)"))
        updated = refusal(lambda: cursor.executescript("DELETE FROM rb28s"))
        unknown = refusal(lambda: cursor.execute("SELECT plann FROM rb28s"))
        unbound = refusal(lambda: cursor.execute("SELECT * FROM rb28s WHERE dzial = ?"))
    stranger = refusal(lambda: with_adbc(connect(address, {"username": "x", "password": "hub_wrong"}), "SELECT 1"))
    return {"written": written, "updated": updated, "unknown": unknown, "unbound": unbound, "stranger": stranger}


def connect(address, options):
    return flightsql.connect(f"grpc://{address}", db_kwargs=options, autocommit=True)


def main():
    warnings.simplefilter("ignore")
    address, *statements = sys.argv[1:]
    engine = sqlalchemy.create_engine(f"adbc+flightsql://mf:{KEY}@{address}?tls=false")
    with connect(address, BEARER) as connection, connect(address, {"username": "mf", "password": KEY}) as named:
        told = {
            "rows": {
                "adbc": [with_adbc(connection, sql) for sql in statements],
                "password": [with_adbc(named, sql) for sql in statements],
                "pandas": [with_pandas(connection, sql) for sql in statements],
                "polars": [with_polars(connection, sql) for sql in statements],
                "sqlalchemy": [with_sqlalchemy(engine, sql) for sql in statements],
            },
            "parameters": parameters(connection, engine),
            "learned": learned(connection, engine),
            "refused": refusals(address, connection),
        }
    print(json.dumps(told))


main()

"""A pyarrow (C++) Flight server, a peer. DoGet gives a table that is held in memory; DoPut writes one
zstd-1 Parquet file and syncs it before it answers with the number of rows.

usage: flight_server.py PORT FOLDER_FOR_PUTS [ARROW_STREAM_TO_GIVE]
"""
import pathlib
import sys

import pyarrow as pa
import pyarrow.flight as flight
import pyarrow.parquet as parquet

from common import fsync_tree


class Server(flight.FlightServerBase):
    def __init__(self, port, out, table):
        super().__init__(f"grpc://127.0.0.1:{port}")
        self.out, self.table = pathlib.Path(out), table

    def do_get(self, context, ticket):
        return flight.RecordBatchStream(self.table)

    def do_put(self, context, descriptor, reader, writer):
        rows = 0
        path = self.out / "0.parquet"
        with parquet.ParquetWriter(path, reader.schema, compression="zstd", compression_level=1) as out:
            for chunk in reader:
                rows += chunk.data.num_rows
                out.write_batch(chunk.data)
        fsync_tree(path)
        writer.write(pa.py_buffer(str(rows).encode()))


if __name__ == "__main__":
    port, out, *given = sys.argv[1:]
    held = None
    if given:
        with pa.OSFile(given[0]) as file:
            held = pa.ipc.open_stream(file).read_all()
    Server(port, out, held).serve()

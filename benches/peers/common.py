"""What the journeys share: folders, timed processes, the hub and PostgreSQL as servers of one run.

Everything lies under $HUB_BENCH_WORK (default /tmp/hub-bench); all traffic stays on 127.0.0.1.
"""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WORK = pathlib.Path(os.environ.get("HUB_BENCH_WORK", "/tmp/hub-bench"))
DATA = WORK / "data"
OUT = WORK / "out"
HUBS = WORK / "hubs"
RELEASE = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
TABLES = ("lineitem", "municipal")
# A hub with a long log takes its time.
START_S = 300


def tool(name):
    return str(RELEASE / name)


def run(*command, **more):
    """Runs a command to its end; gives its stdout, and fails with what it said."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **more)
    if done.returncode:
        raise RuntimeError(f"{command}: exit {done.returncode}\n{done.stderr}")
    return done.stdout


def timed(*command, told=None, **more):
    """Seconds of a command from its start to its exit; what it said is added to `told`."""
    begun = time.perf_counter()
    out = run(*command, **more)
    wall = time.perf_counter() - begun
    if told is not None:
        told.append(out)
    return wall


def processor_s(pid):
    """Seconds of processor time that a process and its children have had up to now."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    mine = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    children = {child for path in pathlib.Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()}
    return mine + sum(map(processor_s, children))


def peer(script, *args, **variables):
    """One run of a peer in a process of its own; its last line is JSON."""
    told = run(sys.executable, HERE / script, "--one", *args, env={**os.environ, **variables})
    return json.loads(told.splitlines()[-1])


def empty(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def make_data():
    """TPC-H lineitem at scale factor 1 and a wide municipal table of a million rows, as CSV, once."""
    DATA.mkdir(parents=True, exist_ok=True)
    if not (DATA / "lineitem.csv").exists():
        generator = pathlib.Path(sys.executable).parent / "tpchgen-cli"
        run(generator, "csv", "-s", "1", "-T", "lineitem", "-o", DATA, "-q")
    municipal = DATA / "municipal.csv"
    if not municipal.exists():
        with open(municipal.with_suffix(".part"), "wb") as out:
            subprocess.run([tool("hub-benches"), "municipal"], stdout=out, check=True)
        municipal.with_suffix(".part").rename(municipal)


TPCH = ("region", "nation", "supplier", "part", "partsupp", "customer", "orders", "lineitem")


def arrow_schema(table):
    """The types that the hub gives a table: whole numbers of 64 bits, money as decimal(15,2)."""
    import pyarrow as pa
    columns = json.loads((ROOT / "benches" / "patterns" / table / "1.0.0" / "schema.json").read_text())["fields"]
    kinds = {"integer": pa.int64(), "number": pa.decimal128(15, 2), "string": pa.utf8(), "date": pa.date32()}
    return pa.schema([(column["name"], kinds[column["type"]]) for column in columns])


def arrow_rows(table):
    """The rows of a table's CSV file with the hub's types, batch by batch; the empty cell is null."""
    import pyarrow.csv as csv
    schema = arrow_schema(table)
    return csv.open_csv(DATA / f"{table}.csv", read_options=csv.ReadOptions(block_size=8 << 20),
                        convert_options=csv.ConvertOptions(column_types=schema, strings_can_be_null=True))


def make_arrow(table):
    """A table as an Arrow stream of 65,536 rows a batch, once."""
    import pyarrow as pa
    path = DATA / f"{table}.arrow"
    if not path.exists():
        whole = pa.Table.from_batches(arrow_rows(table), schema=arrow_schema(table)).combine_chunks()
        part = path.with_suffix(".part")
        with pa.OSFile(str(part), "wb") as out, pa.ipc.new_stream(out, whole.schema) as stream:
            stream.write_table(whole, max_chunksize=65_536)
        part.rename(path)
    return path


def make_tpch():
    """The eight tables of TPC-H at scale factor 1, as CSV and as Parquet with the hub's types, once."""
    import pyarrow as pa
    import pyarrow.parquet as parquet
    generator = pathlib.Path(sys.executable).parent / "tpchgen-cli"
    for table in TPCH:
        if not (DATA / f"{table}.csv").exists():
            run(generator, "csv", "-s", "1", "-T", table, "-o", DATA, "-q")
        folder = DATA / "tpch" / table
        if not folder.exists():
            part = empty(DATA / "tpch" / f"{table}.part")
            with parquet.ParquetWriter(part / "0.parquet", arrow_schema(table), compression="zstd",
                                       compression_level=1) as out:
                whole = pa.Table.from_batches(arrow_rows(table), schema=arrow_schema(table))
                out.write_table(whole, row_group_size=1_000_000)
            part.rename(folder)
    return {table: DATA / "tpch" / table for table in TPCH}


def fsync_tree(path):
    """Makes durable what an engine left to the page cache."""
    path = pathlib.Path(path)
    for one in [path, *(path.rglob("*") if path.is_dir() else []), path.parent]:
        handle = os.open(one, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process):
    """Until a server of ours listens."""
    end = time.time() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            if process.poll() is not None or time.time() > end:
                raise RuntimeError("a server did not start") from None
            time.sleep(0.02)


class Server:
    """A peer's server until the block ends; `{port}` in its command is a free port."""

    def __init__(self, *command):
        self.port = free_port()
        self.command = [str(part).format(port=self.port) for part in command]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL)
        wait_for(self.port, self.process)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)


class Hub:
    """A hub-server on an empty folder with the bench patterns, until the block ends. The folder may stay: a file
    system that has just removed thousands of small files makes new ones slowly for minutes, which is not the hub's."""

    def __init__(self, keys_of=(), stays=False, **options):
        HUBS.mkdir(parents=True, exist_ok=True)
        self.root = pathlib.Path(tempfile.mkdtemp(dir=HUBS))
        self.stays = stays
        self.options = {f"HUB_{name.upper()}": str(value) for name, value in options.items()}
        self.grpc = f"127.0.0.1:{free_port()}"
        self.http = f"127.0.0.1:{free_port()}"
        if keys_of:
            server, folder = tool("hub-server"), ["--data-dir", self.root]
            run(server, "org", "add", "--from-terc", *folder)
            self.keys = WORK / "keys.tsv"
            files = []
            for kind in keys_of:
                files.append(self.root / f"keys-{kind}.tsv")
                run(server, "credential", "create", "--kind", kind, "--scope", "push,read", "--out", files[-1], *folder)
            self.keys.write_text("".join(file.read_text() for file in files))

    def __enter__(self):
        (self.root / "dev" / "operator.toml").unlink(missing_ok=True)
        self.log = open(WORK / "hub.log", "a")
        self.process = subprocess.Popen(
            [tool("hub-server"), "dev", "--data-dir", self.root, "--grpc-addr", self.grpc, "--http-addr", self.http,
             "--patterns-dir", ROOT / "benches" / "patterns"], stdout=self.log, stderr=self.log,
            env={**os.environ, **self.options})
        end = time.time() + START_S
        while not (self.root / "dev" / "operator.toml").exists():
            if self.process.poll() is not None or time.time() > end:
                self.process.kill()
                raise RuntimeError(f"the hub did not start; see {WORK / 'hub.log'}")
            time.sleep(0.02)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)
        self.log.close()
        if not self.stays:
            shutil.rmtree(self.root)

    def peak_mib(self):
        return self.memory_mib("VmHWM")

    def memory_mib(self, kind="VmRSS"):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith(kind))) / 1024

    def read(self, command, *args):
        """Runs a reading command of `hub-benches` as the ministry; its answer is JSON."""
        return json.loads(run(tool("hub-benches"), command, "--endpoint", f"http://{self.grpc}", *args,
                              env={**os.environ, "HUB_BENCH_KEY": self.key()}))

    def key(self):
        """The ministry's."""
        return tomllib.loads((self.root / "dev" / "ministry.toml").read_text())["token"]

    def statements(self, queries):
        """Asks the statements of a folder twice; the second time counts. No text is asked a second time: the hub keeps
        short answers, and would give them without any work."""
        for _ in range(2):
            folder = empty(WORK / "statements")
            for path in queries.glob("*.sql"):
                (folder / path.name).write_text(f"{path.read_text()}\n-- {time.time_ns()}\n")
            told = self.read("statements", folder, "--passes", 1)
        return told

    def push(self, path, pattern, period="2023"):
        command, more = self.hub("publisher", "push", path, "--pattern", pattern, "--period", period)
        return timed(*command, **more)

    def hub(self, profile, *args):
        environment = {**os.environ, "HUB_CONFIG_DIR": str(self.root / "dev")}
        return (tool("hub"), "--profile", profile, *args), {"env": environment}

    def query(self, sql):
        command, more = self.hub("ministry", "--format", "csv", "query", sql)
        return run(*command, **more).splitlines()[1]


class Postgres:
    """A PostgreSQL of our own, durable as it comes, sized for two cores and 24 GiB; until the block ends."""

    FOLDER = WORK / "pg"
    PORT = int(os.environ.get("HUB_BENCH_PG_PORT", "54329"))
    DSN = f"host=127.0.0.1 port={PORT} user=bench dbname=postgres"
    SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
shared_buffers = 4GB
work_mem = 128MB
maintenance_work_mem = 1GB
max_wal_size = 8GB
checkpoint_timeout = 15min
jit = off
"""

    @staticmethod
    def program(name):
        found = shutil.which(name) or max(pathlib.Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), default=None)
        if found is None:
            raise RuntimeError("PostgreSQL is missing: apt-get install postgresql")
        return str(found)

    def _as(self, *command):
        # PostgreSQL refuses to run as root, so root hands it to the user that its package makes.
        user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        run(*user, *command, cwd=self.FOLDER)

    def __enter__(self):
        if not (self.FOLDER / "PG_VERSION").exists():
            self.FOLDER.mkdir(parents=True)
            if os.geteuid() == 0:
                shutil.chown(self.FOLDER, "postgres")
            self._as(self.program("initdb"), "-D", self.FOLDER, "-U", "bench", "-A", "trust", "-E", "UTF8", "--no-locale")
            with open(self.FOLDER / "postgresql.conf", "a") as settings:
                settings.write(f"port = {self.PORT}\n{self.SETTINGS}")
        self._as(self.program("pg_ctl"), "-D", self.FOLDER, "-l", self.FOLDER / "log", "-w", "start")
        return self

    def __exit__(self, *_):
        self._as(self.program("pg_ctl"), "-D", self.FOLDER, "-m", "fast", "-w", "stop")

"""W4c: flat cost. 100,000 pushes by one sender, 2,500 publishers × 40 periods of 200 rows, while the hub merges files,
writes checkpoints and moves old log versions into its archive. One round: the ratio is taken within it.
"""
import json

from common import HUBS, Hub, empty, run
from w4 import KINDS, PUSHES, ROWS, SUM, senders

PERIODS = [f"{year}-M{month:02}" for year in range(2020, 2024) for month in range(1, 13)][-40:]


def sizes(folder):
    files = [path.stat() for path in folder.rglob("*") if path.is_file()]
    return {"files": len(files), "mib": sum(file.st_size for file in files) / (1 << 20)}


def live_files(table):
    """As another engine reads the log."""
    import deltalake
    return deltalake.DeltaTable(str(table)).file_uris()


def version_of(table, log):
    """The dataset version that a log version ends with."""
    lines = (table / "_delta_log" / f"{log:020}.json").read_text().splitlines()
    infos = (json.loads(line).get("commitInfo") for line in lines if line.startswith("{"))
    return next(info["hub"]["dataset_version"] for info in infos if info)


def journey(_):
    with Hub(keys_of=KINDS, stays=True) as server:
        told = json.loads(run(*senders(server, "--pushes", PUSHES, "--periods", ",".join(PERIODS))))
        rows, total = server.query(SUM.format("rb28s")).split(",")
        if int(rows) != PUSHES * ROWS * len(PERIODS):
            raise RuntimeError(f"the hub holds {rows} rows, not {PUSHES * ROWS * len(PERIODS)}")
        table = server.root / "tables" / "rb28s_v1"
        log = max(int(path.stem) for path in (table / "_delta_log").glob("*.json"))
        told |= {"rate": told["pushes"] / told["total"], "log_version": log, "version": version_of(table, log),
                 "live_files": len(live_files(table)), "peak_mib": server.peak_mib(),
                 "folder": sizes(server.root), "data": sizes(table / "d"), "log": sizes(table / "_delta_log"),
                 "archive": sizes(table / "_hub")}
        yield "flat", "hub", 0, told
    empty(HUBS)


def report(rows, _):
    told = rows[0][3]
    growth = (f"{told['pushes']:,} pushes, {told['rate']:,.0f} a second, p50 {told['p50']:.2f} ms, p99 {told['p99']:.2f} ms; "
              f"the last twentieth costs {told['growth']:.2f} times the first.")
    merges = told["log_version"] - told["version"]
    commits = (f"{told['version']:,} dataset versions and {merges:,} merges in {told['log_version']:,} log versions, "
               f"{told['live_files']:,} live files.")
    part = lambda key: f"{told[key]['mib']:,.0f} MiB in {told[key]['files']:,} files"
    folder = (f"The folder holds {part('folder')}: data files {part('data')}, log {part('log')}, archive {part('archive')}; "
              f"the server's peak was {told['peak_mib']:,.0f} MiB.")
    yield f"\n{growth}\n\n{commits}\n\n{folder}\n"

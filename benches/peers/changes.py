"""Changes: a hundredth of a dataset's rows is corrected, and a consumer that had all of them follows. 2,500 publishers have
400 rows each; 25 of them send theirs anew with other amounts. Beside it the same consumer pulls the whole dataset again.
"""
from common import HUBS, Hub, empty, run
from w4 import KINDS, PUSHES
from w4 import senders as w4_senders

ROWS = 400
PULL = "full pull"
CHANGES = "changes since"
CORRECTED = PUSHES // 100


def send(server, pushes, seed):
    run(*[str(part) for part in w4_senders(server, "--pushes", pushes, "--seed", seed, "--rows", ROWS, "--senders", 8)])


def journey(rounds):
    with Hub(keys_of=KINDS, stays=True) as server:
        send(server, PUSHES, 1)
        for turn in range(-1, rounds):
            cursor = server.read("changes", "rb28s")["cursor"]
            send(server, CORRECTED, turn + 10)
            pulled = server.read("pull", "rb28s")
            changed = server.read("changes", "rb28s", "--since", cursor)
            if pulled["rows"] != PUSHES * ROWS:
                raise RuntimeError(f"{pulled['rows']} rows were pulled")
            if not CORRECTED * ROWS <= changed["rows"] <= 2 * CORRECTED * ROWS:
                raise RuntimeError(f"{changed['rows']} rows changed, of {CORRECTED * ROWS} that were corrected")
            if turn >= 0:
                bound = pulled["wall"] * 0.02 + 0.02
                yield "changes", PULL, turn, pulled
                yield "changes", CHANGES, turn, {**changed, "bound": changed["wall"] / bound}
    empty(HUBS)


def report(rows, table_of):
    ms = lambda seconds: f"{seconds * 1e3:.0f}"
    yield "\n" + table_of(rows, [PULL, CHANGES], "wall", PULL, [
        ("ms", "wall", ms), ("rows", "rows", "{:,.0f}".format), ("MB on the line", "wire", lambda size: f"{size / 1e6:,.1f}"),
        ("of 2 % and 20 ms", "bound", "{:.2f}".format)])

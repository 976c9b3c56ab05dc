"""Runs the long campaigns and writes what they found to SOAK.md; fails when one of them fails.

Sizes are in the environment: HUB_SOAK_RANDOM_KILLS, HUB_SOAK_PAYLOAD_MIB, HUB_SOAK_FLIPS, HUB_SOAK_FUZZ_SEEDS,
HUB_SOAK_SLOW_KIB, HUB_SOAK_SLOW_RATE (bytes a second), HUB_SOAK_FOLLOWED (commits) and HUB_SOAK_FOLLOWERS_KILLED.
"""
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SIZES = {"HUB_SOAK_RANDOM_KILLS": "200", "HUB_SOAK_PAYLOAD_MIB": "1024", "HUB_SOAK_FLIPS": "50",
         "HUB_SOAK_FUZZ_SEEDS": "10000000", "HUB_SOAK_SLOW_KIB": "5120", "HUB_SOAK_SLOW_RATE": "32768",
         "HUB_SOAK_FOLLOWED": "1000", "HUB_SOAK_FOLLOWERS_KILLED": "4000"}
CAMPAIGNS = "test(/^kill::/) | test(/^memory::/) | test(/^integrity::every/) | test(/::fuzz::/) | "
CAMPAIGNS += "test(/^slow_lines::a_cut/) | test(/^following::(a_copy_equals|whoever)/)"


def main():
    environment = {**SIZES, **os.environ}
    command = [os.environ.get("CARGO", "cargo"), "nextest", "run", "--locked", "--workspace", "--profile", "soak",
               "--color", "never", "-E", CAMPAIGNS]
    run = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = []
    for line in run.stdout:
        print(line, end="", flush=True)
        said.append(line)
    if run.wait():
        sys.exit("a campaign failed; SOAK.md stays as it was")
    found = [match[1] for line in said if (match := re.match(r"\s*soak: (.*)", line))]
    summary = next(line.split("]", 1)[-1].strip() for line in reversed(said) if "Summary" in line)
    head = f"# Campaigns\n\nWhat `make soak` found on {time.strftime('%Y-%m-%d')}: {summary}.\n\n"
    (ROOT / "benches" / "SOAK.md").write_text(head + "".join(f"- {line}\n" for line in found))


if __name__ == "__main__":
    main()

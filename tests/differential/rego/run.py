#!/usr/bin/env python3
"""Compares decisions of generated Rego programs with those of OPA 1.20.2.

    tests/differential/rego/run.py                           what tests/run does
    tests/differential/rego/run.py --programs 1000000 --seed 7
    tests/differential/rego/run.py --seed 7 --first 1234 --programs 1 --show

Exits with 1 if a decision differs, 0 if none does or if the reference implementation cannot be had, which
is said. `--keep DIR` writes each reduced failure to a file.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tests" / "oracles"))

import campaign  # noqa: E402
import generate  # noqa: E402
from wheels import OPA, Absent, folder  # noqa: E402


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--programs", type=int, default=10_000, metavar="N")
    arguments.add_argument("--seed", default="1", help="any text; the same seed gives the same programs")
    arguments.add_argument("--first", type=int, default=0, metavar="N", help="the first program's number")
    arguments.add_argument("--failures", type=int, default=20, metavar="N", help="forms of failures before it ends")
    arguments.add_argument("--keep", type=Path, metavar="DIR")
    arguments.add_argument("--answers", metavar="PROGRAM", help="compare this program instead of the product's")
    arguments.add_argument("--show", action="store_true", help="print the programs and run nothing")
    chosen = arguments.parse_args()

    if chosen.show:
        for number in range(chosen.first, chosen.first + chosen.programs):
            generate.show(f"{chosen.seed}:{number}")
        return 0
    try:
        oracle = folder(OPA)
    except Absent as reason:
        print(f"skipped: {reason}")
        return 0
    command = [chosen.answers] if chosen.answers else product()
    failed = campaign.cases(oracle, command, ROOT / "tests" / "cases" / "rego-differential.json")
    failed += campaign.run(oracle, command, chosen.seed, chosen.programs, chosen.keep, chosen.failures, chosen.first)
    return 1 if failed else 0


def product() -> list[str]:
    """The program of the product that answers questions, built."""
    subprocess.run(["cargo", "build", "--quiet", "--locked", "--workspace", "--example", "answers"],
                   cwd=ROOT, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return [str(target / "debug" / "examples" / "answers")]


if __name__ == "__main__":
    sys.exit(main())

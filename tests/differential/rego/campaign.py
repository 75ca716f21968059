"""The differential run of Rego: generated programs by OPA and by the product."""

from __future__ import annotations

import collections
import json
import re
import sys
import time
from decimal import Decimal
from pathlib import Path

import calls
from compare import Difference, Product, outcome, same
from generate import generate
from opa import Engine, Opa, OpaError
from shrink import shrink
from tree import Program


def run(folder: Path, command: list[str], seed: str, programs: int, keep: Path | None, failures_max: int,
        first: int = 0, ignored: frozenset[str] = frozenset({"accepted", "loud"})) -> int:
    """Compares programs until there are enough kinds of failures; how many there were."""
    opa, product = Opa(folder), Product(command)
    missing = without_missing(product)
    if missing:
        print(f"not called, since Writ refuses them: {', '.join(missing)}", flush=True)
    counts: collections.Counter = collections.Counter()
    kinds: collections.Counter = collections.Counter()
    started = time.process_time()
    for number in range(first, first + programs):
        program = generate(f"{seed}:{number}")
        status, differences = outcome(program, opa, product, stop=False)
        counts[status] += 1
        counts["loud"] += any(one.kind == "loud" for one in differences)
        differences = [one for one in differences if one.kind not in ignored]
        if not differences:
            continue
        one = differences[0]
        raw = rough_kind(one)
        kinds[raw] += 1
        if kinds[raw] > (2 if raw.startswith("refused") else 25):
            continue
        small, one = reduced(program, one, opa, product)
        name = signature(small, one)
        kinds[name] += 1
        if kinds[name] == 1:
            report(small, one, f"{seed}:{number}", keep, name)
            if len([kind for kind in kinds if kind.startswith("small ")]) >= failures_max:
                break
    product.close()
    failed = sum(count for kind, count in kinds.items() if not kind.startswith("small "))
    print(f"{counts['compared'] + counts['refused'] + counts['accepted']} programs of seed {seed} from {first}: {counts['compared']} compared, "
          f"{counts['refused']} refused by both, {counts['accepted']} accepted by Writ alone, {counts['loud']} "
          f"that fail aloud; "
          f"{failed} differ, in {sum(kind.startswith('small ') for kind in kinds)} forms; "
          f"{time.process_time() - started:.0f} s of this process", flush=True)
    return failed


def without_missing(product: Product) -> list[str]:
    """Takes the builtins that the product does not know out of the table; their names."""
    names = sorted({name for name, _, _ in calls.CALLS})
    missing = []
    for name in names:
        arguments = next(types for called, types, _ in calls.CALLS if called == name)
        given = ", ".join(f"input.a{number}" for number in range(len(arguments)))
        answer = product.ask({"modules": {"t.rego": f"package t\n\nx := {name}({given})\n"}, "version": 1,
                              "data": {}, "input": {}, "query": "data.t.x"})
        if "undefined function" in answer.get("error", {}).get("message", ""):
            missing.append(name)
    calls.CALLS[:] = [call for call in calls.CALLS if call[0] not in missing]
    return missing


def cases(folder: Path, command: list[str], file: Path) -> int:
    """Compares the kept failures of earlier runs; how many differ again, or from what was written down."""
    opa, product = Opa(folder), Product(command)
    failed = 0
    rows = json.loads(file.read_text(), parse_float=Decimal) if file.exists() else []
    for row in rows:
        question = {name: row[name] for name in ("modules", "version", "data", "input", "query") if name in row}
        answer = product.ask(question)
        wrong = differs(row["want"], answer)
        if row["version"] == 1:
            engine = Engine(opa, row["modules"], row["data"])
            found = engine.answers([row["query"]], row.get("input"))[row["query"]]
            engine.close()
            wrong = wrong or differs(row["want"], {"error": {}} if isinstance(found, OpaError) else
                                     {"result": found} if found else {"undefined": True})
        if wrong:
            failed += 1
            print(f"-- {row['name']}: want {shown(row['want'])}, got {shown(answer)}", file=sys.stderr)
    product.close()
    print(f"{len(rows)} kept cases: {failed} differ", flush=True)
    return failed


def differs(want: dict, got: dict) -> bool:
    """Whether an answer is another one than a kept case's, which may have a `result`, be undefined or an error."""
    if "result" in want:
        return "result" not in got or not same(want["result"], got["result"][0])
    return want.keys() != got.keys()


def reduced(program: Program, one: Difference, opa: Opa, product: Product) -> tuple[Program, Difference]:
    last = one

    def fails(candidate: Program) -> bool:
        nonlocal last
        _, found = outcome(candidate, opa, product)
        for difference in found:
            if difference.kind == one.kind and rough_kind(difference) == rough_kind(one):
                last = difference
                return True
        return False

    small = shrink(program, fails)
    return small, last


def rough_kind(one: Difference) -> str:
    """The kind of a difference before it is reduced."""
    if one.kind == "refused":
        message = one.got["error"]["message"]
        return "refused " + re.sub(r'[`"\'][^`"\']*[`"\']|\d+', "_", message.strip().split("\n")[-1])[:80]
    return one.kind


def signature(program: Program, one: Difference) -> str:
    """The form of a reduced program, without its names and constants."""
    text = "\n".join(program.texts().values())
    text = re.sub(r'"(?:[^"\\]|\\.)*"', "S", text)
    text = re.sub(r"\b\d[\d.e]*\b", "N", text)
    text = re.sub(r"\b(input|data)(\.\w+|\[[SN]\])+", "D", text)
    names = set(re.findall(r"(?m)^(?:default )?([a-z_]\w*)", text))
    words = re.findall(r"[A-Za-z_][\w.]*|:=|==|[^\s\w]", text)
    return f"small {one.kind} " + " ".join(
        "R" if word in names and word not in ("package", "import", "default") else word for word in words)


def report(program: Program, one: Difference, seed: str, keep: Path | None, name: str) -> None:
    modules = program.texts(old=program.version == 0)
    case = {"kind": one.kind, "seed": seed, "version": program.version, "modules": modules, "data": program.data,
            "input": program.inputs[one.number], "query": one.rule, "want": one.want, "got": one.got}
    print(f"-- {one.kind} ({seed})", file=sys.stderr)
    for file, text in modules.items():
        print(f"# {file}\n{text}", file=sys.stderr)
    print(f"input {json.dumps(case['input'])}\ndata {json.dumps(case['data'])}\n{one.rule}: want {shown(one.want)}, "
          f"got {shown(one.got)}\n", file=sys.stderr, flush=True)
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
        number = len(list(keep.glob("*.json"))) + 1
        (keep / f"{number:03}.json").write_text(json.dumps(case, indent=1, ensure_ascii=False, default=float) + "\n")


def shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=float)[:400]

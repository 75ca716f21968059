"""What the oracle and the product say about one program, and whether that is the same."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from decimal import Decimal

from opa import Engine, Opa, OpaError
from tree import Program

REFUSED = {"prepare_error", "parse_error", "compile_error"}


class Product:
    """The product's program: a question in a line of JSON, an answer in a line of JSON."""

    def __init__(self, command: list[str]) -> None:
        self.command = command
        self.process = None

    def ask(self, question: dict) -> dict:
        if self.process is None:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=subprocess.DEVNULL)
        try:
            self.process.stdin.write(json.dumps(question).encode() + b"\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = b""
        if not line:
            self.process.kill()
            self.process.wait()
            self.process = None
            return {"error": {"code": "crash", "message": "the program ended"}}
        return json.loads(line, parse_float=Decimal)

    def close(self) -> None:
        if self.process:
            self.process.stdin.close()
            self.process.wait()


@dataclass
class Difference:
    kind: str
    """`refused`, `accepted`, `crash`, `loud`, or `oracle/product` of value, undefined and error."""
    rule: str
    number: int
    """Which input."""
    want: object
    got: object


def outcome(program: Program, opa: Opa, product: Product, stop: bool = True) -> tuple[str, list[Difference]]:
    """`refused` by both, `accepted` by the product alone, or `compared`, and the differences."""
    try:
        engine = Engine(opa, program.texts(), program.data)
    except OpaError as error:
        return refusal(program, product, error)
    try:
        return compare(program, engine, product, stop)
    finally:
        engine.close()


def refusal(program: Program, product: Product, error: OpaError) -> tuple[str, list[Difference]]:
    answer = ask(product, program, "data.t", program.inputs[0])
    if is_refusal(answer):
        return "refused", []
    return "accepted", [Difference("accepted", "data.t", 0, {"error": error.message}, answer)]


def compare(program: Program, engine: Engine, product: Product, stop: bool) -> tuple[str, list[Difference]]:
    paths = [f"data.t.{name}" for name in program.rules]
    found: list[Difference] = []
    for number, document in enumerate(program.inputs):
        wanted = engine.answers(paths, document)
        first = wanted[paths[0]]
        if isinstance(first, OpaError) and first.code in REFUSED:
            return refusal(program, product, first)
        whole = ask(product, program, "data.t", document)
        for name, path in zip(program.rules, paths):
            want = wanted[path]
            got = member(whole, name)
            if got is None:
                got = ask(product, program, path, document)
            kind = difference(want, got)
            if kind:
                # A document of the package may differ from its rule asked alone.
                shown = {"error": str(want)} if isinstance(want, OpaError) else \
                    {"result": want[0]} if want else {"undefined": True}
                found.append(Difference(kind, path, number, shown, got))
                if stop:
                    return "compared", found
    return "compared", found


def ask(product: Product, program: Program, path: str, document: object) -> dict:
    question = {"modules": program.texts(old=program.version == 0), "version": program.version,
                "data": program.data, "query": path, "input": document}
    return product.ask(question)


def is_refusal(answer: dict) -> bool:
    """Whether the product refused the program before it ran."""
    return "error" in answer and not answer["error"]["code"].startswith(("eval", "crash"))


def member(answer: dict, name: str) -> dict | None:
    """A rule's answer out of its package's, where that has one."""
    if "result" not in answer:
        return None
    package = answer["result"][0]
    if not isinstance(package, dict):
        return None
    return {"result": [package[name]]} if name in package else {"undefined": True}


def difference(want: object, got: dict) -> str:
    if isinstance(want, OpaError) and "oracle.mark: json" in want.message:
        # A value that OPA itself cannot print, as the number `.5`.
        return ""
    product = "value" if "result" in got else "undefined" if "undefined" in got else "error"
    if is_refusal(got):
        return "refused"
    if got.get("error", {}).get("code") == "crash":
        return "crash"
    oracle = "error" if isinstance(want, OpaError) else "value" if want else "undefined"
    if oracle != product:
        # OPA's index of rules skips definitions, and with them their conflicts: Writ fails aloud there, as
        # where a builtin's result cannot be OPA's.
        loud = got.get("error", {}).get("code") in ("eval_conflict_error", "eval_cancel_error")
        return "loud" if loud else f"{oracle}/{product}"
    if oracle == "value" and not same(want[0], got["result"][0]):
        return "value/value"
    return ""


def same(left: object, right: object) -> bool:
    if isinstance(left, bool) or isinstance(right, bool) or left is None or right is None:
        return left is right
    if isinstance(left, (int, Decimal)) and isinstance(right, (int, Decimal)):
        return left == right or float(left) == float(right) and left != int(left)
    if type(left) is not type(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return left == right

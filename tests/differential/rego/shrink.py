"""Makes a failing program smaller while it fails in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tree import Node, Program

CONSTANTS = ["1", '"a"', "null", "input.name"]


def shrink(program: Program, fails: Callable[[Program], bool], budget: int = 1200) -> Program:
    """The smallest program found within `budget` trials."""
    progress = True
    while progress and budget > 0:
        progress = False
        for smaller in candidates(program):
            budget -= 1
            if budget < 0:
                break
            if size(smaller) < size(program) and fails(smaller):
                program, progress = smaller, True
                break
    return program


def size(program: Program) -> int:
    import json
    return sum(map(len, program.texts().values())) + len(json.dumps([program.data, program.inputs]))


def candidates(program: Program) -> Iterator[Program]:
    if len(program.inputs) > 1:
        for number in range(len(program.inputs)):
            yield changed(program, inputs=[program.inputs[number]])
    if len(program.rules) > 1:
        for name in program.rules:
            yield changed(program, rules=[name])
    for name in program.modules:
        if len(program.modules) > 1 and name != "t.rego":
            yield changed(program, modules={k: v for k, v in program.modules.items() if k != name})
    if program.version == 0:
        yield changed(program, version=1)
    if program.data:
        yield changed(program, data={})
    yield from without_items(program)
    yield from smaller_expressions(program)
    for number, document in enumerate(program.inputs):
        for smaller in smaller_documents(document):
            inputs = list(program.inputs)
            inputs[number] = smaller
            yield changed(program, inputs=inputs)
    for smaller in smaller_documents(program.data):
        if isinstance(smaller, dict):
            yield changed(program, data=smaller)


def changed(program: Program, **fields) -> Program:
    copy = program.copy()
    for name, value in fields.items():
        setattr(copy, name, value)
    return copy


def nodes(program: Program) -> list[Node]:
    return [node for module in program.modules.values() for node in module.walk()]


def without_items(program: Program) -> Iterator[Program]:
    for at, node in enumerate(nodes(program)):
        if node.kind != "list" or len(node.parts) <= node.least:
            continue
        for item in reversed(range(len(node.parts))):
            copy = program.copy()
            del nodes(copy)[at].parts[item]
            yield copy


def smaller_expressions(program: Program) -> Iterator[Program]:
    everything = nodes(program)
    for at, node in enumerate(everything):
        if node.kind != "expr":
            continue
        text = node.text()
        inner = [one for one in node.walk() if one is not node and one.kind == "expr"]
        for one in inner[:6]:
            copy = program.copy()
            target = nodes(copy)[at]
            target.parts, target.separator = [one.text()], ""
            yield copy
        for constant in CONSTANTS:
            if len(constant) < len(text):
                copy = program.copy()
                target = nodes(copy)[at]
                target.parts, target.separator = [constant], ""
                yield copy


def smaller_documents(document: object) -> Iterator[object]:
    if isinstance(document, dict):
        if document:
            yield {}
        for key in document:
            yield {name: value for name, value in document.items() if name != key}
        for key, value in document.items():
            for smaller in smaller_documents(value):
                yield {**document, key: smaller}
    elif isinstance(document, list):
        if document:
            yield []
        for at in range(len(document)):
            yield document[:at] + document[at + 1:]
        for at, value in enumerate(document):
            for smaller in smaller_documents(value):
                yield [*document[:at], smaller, *document[at + 1:]]
    elif document not in (None, 1, "a"):
        yield 1
        yield "a"

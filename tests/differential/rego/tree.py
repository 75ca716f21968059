"""Programs as trees that can be printed, in both syntaxes of Rego, and reduced."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Node:
    """A part of a module: texts, nodes, and pairs (in OPA 1.0, before it).

    A node of kind `list` may lose items, down to `least`. A node of kind `expr` may be replaced by an
    expression inside it or by a constant.
    """

    kind: str
    parts: list = field(default_factory=list)
    separator: str = ""
    least: int = 0

    def text(self, old: bool = False) -> str:
        return self.separator.join(_text(part, old) for part in self.parts)

    def walk(self) -> Iterator[Node]:
        yield self
        for part in self.parts:
            for inner in part if isinstance(part, tuple) else (part,):
                if isinstance(inner, Node):
                    yield from inner.walk()


def _text(part: object, old: bool) -> str:
    if isinstance(part, tuple):
        part = part[old]
    return part if isinstance(part, str) else part.text(old)


def expr(*parts) -> Node:
    return Node("expr", list(parts))


def node(*parts) -> Node:
    return Node("node", list(parts))


def items(parts, separator: str, least: int = 0) -> Node:
    return Node("list", list(parts), separator, least)


@dataclass
class Program:
    """Modules by file name, base documents, inputs, and the rules of `data.t` to compare."""

    modules: dict[str, Node]
    data: dict
    inputs: list
    rules: list[str]
    version: int = 1
    """0: the product parses the syntax before OPA 1.0; the oracle always gets that of OPA 1.0."""

    def texts(self, old: bool = False) -> dict[str, str]:
        return {name: module.text(old) for name, module in self.modules.items()}

    def copy(self) -> Program:
        return copy.deepcopy(self)

"""Well-typed Rego programs and inputs for them, drawn from a seed.

What has a static type is used as its type demands, so that the oracle's compiler takes it. Documents have
no static type: what is undefined, null, empty, nested or of another type comes in by them.
"""

from __future__ import annotations

import random
import re

from calls import CALLS, LITERALS, TEXTS
from tree import Node, Program, expr, items, node

# Names of rules are names of fields too: a lookup of a field is no call of the rule.
NAMES = ["allow", "deny", "owner", "name", "limit", "role", "zone", "ready", "found", "level", "n", "tags"]
FUNCTIONS = ["check", "owner_of", "pick", "size", "blocked", "record"]
VARIABLES = ["x", "y", "z", "v", "w", "item", "elem", "i", "j", "k", "key", "msg", "user", "path"]
KEYWORDS = ["if", "in", "package", "default", "every", "contains", "not", "import", "with", "as", "else"]

STRINGS = ["a", "b", "", "admin", "prod", "prod-1", "é", "a/b", "a.b.c", "ABC", " x ", "日本", "root", "10", "name"]
NUMBERS = ["0", "1", "2", "3", "-1", "1.5", "10", "100", "2.0", "0.1", "7", "9007199254740993",
           "12345678901234567890", "-2.5", "1e2"]

# Paths below a document by what they ordinarily hold.
INPUT = {
    "str": ["name", "text", "user.name", "user.role", "items[0].name", "tags[0]", "user.owner", 'more["odd key"]',
            "pair[0]", "user.if", "words.in", "words.package", "tags[1]"],
    "num": ["n", "age", "limits.cpu", "items[0].n", "user.level", "pair[1]", "point.x", "limits.mem"],
    "bool": ["flag", "user.banned", "user.ready", "more.on"],
    "strs": ["tags", "user.roles", "user.tags", "texts"],
    "nums": ["counts", "more.counts"],
    "objs": ["items", "users"],
    "rec": ["user", "items[0]", "more.user", "users[1]"],
    "obj": ["limits", "words", "point", "more"],
    "any": ["nothing", "any", "missing", "user.missing.deep", "nothing.below", "matrix", "pairs", "points",
            "n.below", "tags.x", "mixed"],
    "arr": ["matrix", "pairs", "points", "mixed", "pair"],
}
DATA = {
    "str": ["d.names[0]", "d.users.ann.role", "d.title", "lib.base.zone"],
    "num": ["d.max", "d.limits.cpu", "lib.base.n"],
    "bool": ["d.users.ann.ready", "d.on"],
    "strs": ["d.names", "d.users.bob.roles"],
    "nums": ["d.counts"],
    "objs": ["d.records"],
    "rec": ["d.users.ann", "d.records[0]", "d.users.bob"],
    "obj": ["d.limits", "d.users", "d.words", "lib.base"],
    "any": ["d.missing", "d.empty", "d.nothing", "d.users.zed.role", "d.package.in"],
    "arr": ["d.mixed"],
}
FIELDS = {
    "str": ["name", "role", "owner", "zone", "if"],
    "num": ["n", "level"],
    "bool": ["banned", "ready"],
    "strs": ["tags", "roles"],
    # Names of functions are fields too: a lookup of such a field is no call.
    "any": ["missing", "deep.er", "extra", "size", "check", "record"],
}
ELEMENT = {"strs": "str", "nums": "num", "objs": "rec", "sset": "str", "nset": "num"}
GROUPS = {
    "coll": ["arr", "strs", "nums", "objs", "set", "sset", "obj", "rec"],
    "arrset": ["arr", "strs", "nums", "set", "sset"],
    "any": ["num", "str", "bool", "null", "arr", "strs", "nums", "set", "obj", "rec", "objs"],
}
PLAIN = ["num", "str", "bool", "strs", "nums", "arr", "set", "sset", "obj", "rec", "objs"]


class Generator:
    """One program."""

    def __init__(self, seed: str) -> None:
        self.rng = random.Random(seed)
        self.scope: list[tuple[str, str]] = []
        self.rules: list[tuple[str, str, str]] = []
        """Reference, type and kind of each rule so far: a rule calls only those before it."""
        self.functions: list[tuple[str, list[str], str]] = []
        self.aliases: list[tuple[str, str]] = []
        self.counter = 0
        self.used: set[str] = set()
        self.imported: set[str] = set()
        self.declared: list[str] = []
        """Variables that `some` declared in the present body: each must be used."""
        self.pending = ""
        """A declared variable that the head is to use."""
        self.version = 0 if self.rng.random() < 0.12 else 1
        self.keywords = self.version == 1 or self.rng.random() < 0.4
        self.names: list[str] = []

    # Choices.

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def pick(self, values):
        return self.rng.choice(values)

    def weighted(self, options):
        """Calls one of the functions, by its weight."""
        total = sum(weight for weight, _ in options)
        at = self.rng.random() * total
        for weight, call in options:
            at -= weight
            if at < 0:
                return call()
        return options[-1][1]()

    def fresh(self) -> str:
        if self.chance(0.03):
            name = self.pick(NAMES)
        else:
            name = self.pick(VARIABLES)
        taken = name in self.used and self.chance(0.9)
        if taken or name in (bound for bound, _ in self.scope) or name in (alias for alias, _ in self.aliases):
            self.counter += 1
            name = f"{name}{self.counter}"
        self.used.add(name)
        return name

    def bind(self, type_: str) -> str:
        name = self.fresh()
        self.scope.append((name, type_))
        return name

    def declare(self, type_: str) -> str:
        name = self.bind(type_)
        self.declared.append(name)
        return name

    # Expressions.

    def expr(self, type_: str, depth: int) -> Node:
        if type_ in TEXTS:
            return self.text(type_, depth)
        if type_ in LITERALS:
            if type_ != "rtemplate" and self.chance(0.12):
                return self.document("any")
            return expr(self.pick(LITERALS[type_]))
        if type_ == "dynamic":
            return self.document(self.pick([*INPUT, "arr", "any"]))
        if type_ == "int":
            return expr(self.pick(["0", "1", "2", "3", "5", "-1", "10", "1.0"])) if self.chance(0.6) \
                else self.expr("num", depth)
        if type_ in GROUPS:
            type_ = self.pick(GROUPS[type_])
        if type_ == "null":
            return expr("null") if self.chance(0.5) else self.document("any")
        if self.chance(0.05):
            return self.document(self.pick(list(INPUT)))
        options = [(3, lambda: self.literal(type_, depth)), (5, lambda: self.document(type_))]
        variables = [name for name, bound in self.scope if bound == type_ or (bound == "any" and type_ == "rec")]
        if variables:
            options.append((7, lambda: expr(self.pick(variables))))
        records = [name for name, bound in self.scope if bound == "rec"]
        if records and type_ in FIELDS:
            options.append((6, lambda: expr(self.field(self.pick(records), self.pick(FIELDS[type_])))))
        rules = [rule for rule in self.rules if rule[1] == type_]
        if rules:
            options.append((4, lambda: expr(self.reference(self.pick(rules)[0]))))
        if depth > 0:
            options += self.compound(type_, depth - 1)
        return self.weighted(options)

    def compound(self, type_: str, depth: int):
        options = []
        calls = [call for call in CALLS if call[2] == type_]
        if calls:
            options.append((5, lambda: self.call(self.pick(calls), depth)))
        functions = [function for function in self.functions if function[2] == type_]
        if functions:
            options.append((5, lambda: self.call(self.pick(functions), depth)))
        holders = [function for function in self.functions if function[2] == "rec"]
        if holders and type_ in FIELDS:
            options.append((4, lambda: expr(self.call(self.pick(holders), depth), ".", self.pick(FIELDS[type_]))))
        if type_ == "num":
            options.append((3, lambda: self.arithmetic(depth)))
        if type_ in ("set", "sset", "nset"):
            options.append((2, lambda: expr(self.expr(type_, depth), self.pick([" | ", " & ", " - "]),
                                            self.expr(type_, depth))))
            options.append((3, lambda: self.comprehension("{", type_, depth)))
        if type_ in ("arr", "strs", "nums", "objs"):
            options.append((4, lambda: self.comprehension("[", type_, depth)))
        if type_ == "obj":
            options.append((3, lambda: self.object_comprehension(depth)))
        if type_ == "bool":
            options.append((3, lambda: expr("(", self.condition(depth), ")") if self.chance(0.5)
                            else self.condition(depth)))
        if type_ == "str":
            options.append((1, lambda: self.template(depth)))
            options.append((1, lambda: expr(self.expr("strs", 0), "[", self.expr("int", 0), "]")
                            if self.chance(0.3) else expr("split(", self.expr("str", 0), ', ".")[0]')))
        if type_ in ("num", "str", "rec"):
            inner = {"num": "nums", "str": "strs", "rec": "objs"}[type_]
            options.append((1.5, lambda: expr(self.indexable(inner), "[", self.index(depth), "]")))
        options.append((0.7, lambda: expr("object.get(", self.document("rec"), ", ",
                                          self.expr("keys", 0), ", ", self.expr(type_, depth), ")")))
        return options

    def text(self, kind: str, depth: int) -> Node:
        if kind == "format":
            return expr(quote(self.pick(TEXTS["format"]) if self.chance(0.8) else
                              " ".join(self.pick(TEXTS["format"]) for _ in range(2))))
        return self.weighted([(7, lambda: expr(quote(self.pick(TEXTS[kind])))),
                              (1.5, lambda: self.expr("str", depth)), (1, lambda: self.document("any"))])

    def document(self, type_: str) -> Node:
        """A path of the input or of the base documents."""
        wanted = type_ if type_ in INPUT else "any"
        aliases = [name for name, bound in self.aliases if bound == type_]
        if aliases and self.chance(0.3):
            return expr(self.pick(aliases))
        if self.chance(0.8):
            return expr(self.rooted("input", self.pick(INPUT[wanted])))
        return expr(self.rooted("data", self.pick(DATA[wanted])))

    def rooted(self, root: str, path: str) -> str:
        return self.field(root, path)

    def field(self, base: str, path: str) -> str:
        """`base.path`, in brackets where keywords are no names or by chance."""
        parts = path.split(".") if '"' not in path else [path]
        out = base
        for part in parts:
            name, *rest = part.split("[", 1)
            tail = f"[{rest[0]}" if rest else ""
            bracket = (name in KEYWORDS and self.version == 0) or self.chance(0.04)
            out += f'["{name}"]{tail}' if bracket and '"' not in name else f".{name}{tail}"
        return out

    def reference(self, name: str) -> str:
        if "." not in name and (name in (bound for bound, _ in self.scope) or self.chance(0.1)):
            return f"data.t.{name}"
        return name

    def indexable(self, type_: str) -> Node:
        variables = [name for name, bound in self.scope if bound == type_]
        if variables and self.chance(0.5):
            return expr(self.pick(variables))
        return self.document(type_)

    def index(self, depth: int) -> Node:
        if self.chance(0.3):
            return expr(self.pick(["0", "1", "2", "5", "-1"]))
        return self.expr("num", 0)

    def literal(self, type_: str, depth: int) -> Node:
        depth = max(depth, 1)
        if type_ == "num":
            return expr(self.pick(NUMBERS))
        if type_ == "str":
            if self.chance(0.004):
                return expr(quote("word " * 230))
            return expr(f"`{self.pick(STRINGS)}`") if self.chance(0.1) else expr(quote(self.pick(STRINGS)))
        if type_ == "bool":
            return expr(self.pick(["true", "false"]))
        if type_ == "rec":
            return self.document("rec")
        if type_ == "obj":
            return self.object_literal(depth - 1)
        inner = ELEMENT.get(type_, "any")
        if inner == "any":
            inner = self.pick(["num", "str", "any", "bool"])
        count = self.pick([0, 1, 2, 2, 3])
        values = [self.expr(inner, depth - 1) for _ in range(count)]
        if type_ in ("set", "sset", "nset"):
            if not values:
                return expr("set()")
            return expr("{", items(values, ", ", 1), "}")
        return expr("[", items(values, self.pick([", ", ", ", ",\n\t\t"])), "]")

    def object_literal(self, depth: int) -> Node:
        keys = self.rng.sample(["name", "role", "n", "a", "b", "x", "y", "tags"], self.pick([0, 1, 2, 2, 3]))
        members = []
        for key in keys:
            name = quote(key)
            if self.chance(0.05):
                name = self.pick(["null", "true", "[1]", "4", "4.5"])
            elif self.chance(0.08):
                members.append(node(self.expr("str", 0), ": ", self.expr("any", depth)))
                continue
            members.append(node(f"{name}: ", self.expr(self.pick(["num", "str", "any", "bool"]), depth)))
        return expr("{", items(members, ", "), "}")

    def call(self, called, depth: int) -> Node:
        name, types, _ = called
        return expr(f"{name}(", node(*interleave([self.expr(type_, depth) for type_ in types])), ")")

    def arithmetic(self, depth: int) -> Node:
        operator = self.pick(["+", "-", "*", "/", "%", "+", "-"])
        left, right = self.expr("num", depth), self.expr("num", depth)
        if self.chance(0.4):
            left = expr("(", left, ")")
        if self.chance(0.4):
            right = expr("(", right, ")")
        space = self.pick([" ", " ", " ", ""])
        if space == "" and (operator == "-" or right.text()[:1] == "-" or left.text()[-1:].isalnum()):
            space = " "
        whole = expr(left, f"{space}{operator}{space}", right)
        return expr("(", whole, ")") if self.chance(0.3) else whole

    def template(self, depth: int) -> Node:
        parts = ['$"']
        for _ in range(self.pick([1, 1, 2])):
            parts += [self.pick(["", "a", "is ", "-"]), "{", self.simple(depth), "}"]
        return expr(*parts, '"')

    def simple(self, depth: int) -> Node:
        """What stands in a template: a call, a reference, a constant."""
        return self.weighted([(4, lambda: self.document(self.pick(list(INPUT)))),
                              (2, lambda: self.expr("str", 0)), (2, lambda: self.expr("num", 0)),
                              (1, lambda: self.expr("any", 0))])

    def comprehension(self, bracket: str, type_: str, depth: int) -> Node:
        outer = self.scope, self.declared, self.pending
        self.scope = list(self.scope)
        body = self.body(depth, self.pick([1, 1, 2]), generating=True, headed=True)
        inner = ELEMENT.get(type_, self.pick(["num", "str", "any", "rec"]))
        head = self.head(inner, depth)
        self.scope, self.declared, self.pending = outer
        return expr(bracket, head, " | ", body, {"[": "]", "{": "}"}[bracket])

    def object_comprehension(self, depth: int) -> Node:
        outer = self.scope, self.declared, self.pending
        self.scope = list(self.scope)
        body = self.body(depth, self.pick([1, 1, 2]), generating=True, headed=True)
        key = self.head(self.pick(["str", "str", "num", "any"]), depth)
        value = self.head("any", depth)
        self.scope, self.declared, self.pending = outer
        return expr("{", key, ": ", value, " | ", body, "}")

    def head(self, type_: str, depth: int) -> Node:
        """The value that a body gives: most often one of its variables."""
        if self.pending:
            name, self.pending = self.pending, ""
            return self.weighted([(5, lambda: expr(name)), (1, lambda: expr("[", name, ", ", self.expr("any", 0), "]")),
                                  (1, lambda: expr('sprintf("%v", [', name, "])")),
                                  (1, lambda: expr('{"name": ', name, "}"))])
        if self.scope and self.chance(0.15):
            # A lookup that may find nothing.
            name, bound = self.pick(self.scope)
            tables = ["data.d.words", "input.limits", "data.d.users", "input.tags"]
            if bound in ("str", "any"):
                tables += ['{"a": 1, "admin": "x", "prod": null}'] * 2
            return expr(self.pick(tables), f"[{name}]")
        if self.scope and self.chance(0.5):
            own = [name for name, bound in self.scope if bound == type_]
            if not own and type_ != "rec":
                own = [name for name, _ in self.scope]
            if own:
                return expr(self.pick(own[-3:]))
        return self.expr(type_, depth)

    # Conditions: expressions that hold or not.

    def condition(self, depth: int) -> Node:
        options = [(4, lambda: self.comparison(depth)), (2, lambda: self.document(self.pick(["bool", "any", "str"]))),
                   (2, lambda: self.expr("bool", depth))]
        if self.keywords:
            options.append((3, lambda: self.membership(depth)))
        calls = [call for call in CALLS if call[2] == "bool"]
        options.append((3, lambda: self.call(self.pick(calls), depth)))
        functions = [function for function in self.functions if function[2] in ("bool", "str", "num")]
        if functions:
            options.append((4, lambda: self.call(self.pick(functions), depth)))
        return self.weighted(options)

    def comparison(self, depth: int) -> Node:
        type_ = self.pick(["num", "num", "str", "str", "any", "bool", "strs", "set"])
        operator = self.pick(["==", "!=", "<", "<=", ">", ">="])
        right = type_ if type_ != "any" else "num"
        left = self.document("any") if type_ == "any" else self.expr(type_, depth)
        return expr(left, f" {operator} ", self.expr(right, max(depth - 1, 0)))

    def membership(self, depth: int) -> Node:
        type_ = self.pick(["strs", "sset", "coll", "nums", "objs", "obj"])
        inner = ELEMENT.get(type_, "any")
        if self.chance(0.2):
            return expr("(", self.expr("any", 0), ", ", self.expr("any", 0), " in ", self.expr(type_, depth), ")")
        member = self.expr(inner, 0)
        return expr("(", member, " in ", self.expr(type_, depth), ")") if self.chance(0.2) \
            else expr(member, " in ", self.expr(type_, depth))

    # Statements.

    def body(self, depth: int, count: int, generating: bool = False, headed: bool = False) -> Node:
        """Statements, with the scope and what the head is to use left behind."""
        self.declared, outer = [], self.declared
        statements = []
        if generating:
            statements.append(self.generating(depth))
        while len(statements) < count:
            statements.append(self.statement(depth))
        if len(statements) > 1 and self.chance(0.06):
            at = self.rng.randrange(len(statements) - 1)
            statements[at], statements[at + 1] = statements[at + 1], statements[at]
        text = " ".join(statement.text() for statement in statements)
        unused = [name for name in self.declared if occurrences(name, text) < 2]
        self.pending = unused.pop() if unused and headed and self.chance(0.8) else ""
        statements += [self.use(name) for name in unused]
        self.declared = outer
        return items(statements, "; ", 1)

    def use(self, name: str) -> Node:
        types = dict(self.scope)
        dynamic = 2 if types.get(name, "any") in ("any", "rec") else 0
        return self.weighted([
            (3, lambda: expr(name, self.pick([" == ", " != ", " > ", " <= "]), self.expr("any", 0))),
            (dynamic, lambda: node(f"{name}.", self.pick(["name", "role", "n", "banned", "missing"]),
                             self.pick(["", "", ' == "a"', " > 1"]))),
            (dynamic / 2, lambda: node(f"not {name}.", self.pick(["name", "banned", "tags[0]"]))),
            (1, lambda: node(f"not {name}")), (1, lambda: node(name)), (1, lambda: node(f"print({name})")),
            (dynamic / 2, lambda: node(f"{self.pick(['is_string', 'is_number', 'is_null', 'count', 'lower'])}({name})")),
            (dynamic / 2, lambda: node(f"{self.bind('any')} := {self.pick(['lower', 'to_number', 'count', 'abs'])}({name})")),
            (dynamic / 2, lambda: node(f'{name} ', self.pick(["+", "*", "-"]), " 1 > 2")),
        ])

    def statement(self, depth: int) -> Node:
        options = [
            (5, lambda: self.condition(depth)),
            (4, lambda: self.assignment(depth)),
            (3, lambda: self.generating(depth)),
            (3, lambda: self.negation(depth)),
            (1.5, lambda: self.destructuring(depth)),
            (1, lambda: self.printing()),
            (2, lambda: self.modified(depth)),
            (0.7, lambda: self.output_argument(depth)),
            (0.7, lambda: self.unification(depth)),
            (0.5, lambda: expr("(", self.arithmetic(0), ") ", self.pick([">=", "<", "!="]), " ", self.expr("num", 0))),
        ]
        if self.keywords and depth > 0:
            options.append((2.5, lambda: self.every(depth - 1)))
        return node(self.weighted(options))

    def assignment(self, depth: int) -> Node:
        type_ = self.pick([*PLAIN, "any", "rec", "str", "num"])
        value = self.document("any") if type_ == "any" else self.expr(type_, depth)
        return node(self.bind(type_), self.pick([" := ", " := ", " := ", " = "]), value)

    def generating(self, depth: int) -> Node:
        """Binds by iteration."""
        type_ = self.pick(["strs", "nums", "objs", "objs", "coll", "any", "arr", "sset"])
        inner = ELEMENT.get(type_, "any")
        source = self.document("any") if type_ == "any" else \
            self.document(type_) if self.chance(0.6) else self.expr(type_, min(depth, 1))
        options = [(3, lambda: node(self.bind(inner), self.pick([" := ", " = "]), source, "[_]")),
                   (2, lambda: self.indexed(source, inner)),
                   (1.5, lambda: self.walking(depth)),
                   (1, lambda: self.nested())]
        if self.keywords:
            options += [(6, lambda: node("some ", self.declare(inner), " in ", source)),
                        (3, lambda: node("some ", self.declare("any"), ", ", self.declare(inner), " in ", source)),
                        (1.5, self.some_pattern)]
        members = [rule for rule in self.rules if rule[2] in ("set", "object")]
        if members:
            options.append((2, lambda: node(self.reference(self.pick(members)[0]), "[", self.bind("any"), "]")))
        return self.weighted(options)

    def indexed(self, source: Node, inner: str) -> Node:
        index = self.fresh()
        self.scope.append((index, "num"))
        shape = self.rng.randrange(4)
        declared = f"some {index}; " if self.chance(0.7) else ""
        if shape == 0:
            return node(declared, self.bind(inner), " := ", source, f"[{index}]")
        if shape == 1:
            return node(declared, source, f"[{index}] ", self.pick(["==", "!=", "="]), " ", self.expr(
                inner if inner != "rec" else "any", 0))
        if shape == 2:
            return node(declared, source, f"[{index}].", self.pick(["name", "role", "n", "tags[_]"]), " ",
                        self.pick(["==", "="]), " ", self.expr("any", 0))
        return node(declared, source, f"[{index}]")

    def nested(self) -> Node:
        base = self.pick(["input.matrix", "input.items[_].tags", "data.d.users[_].roles", "input.users",
                          "data.d.users", "input.more"])
        if self.chance(0.5):
            return node(self.bind("any"), " := ", f"{base}[_][_]")
        first, second = self.bind("any"), self.bind("any")
        return node(f"some {first}, {second}; ", f"{base}[{first}][{second}]")

    def some_pattern(self) -> Node:
        return self.weighted([
            (2, lambda: node("some [", self.declare("str"), ", ", self.declare("num"), "] in input.pairs")),
            (1, lambda: node('some ["a", ', self.declare("num"), "] in input.pairs")),
            (2, lambda: node('some {"x": ', self.declare("num"), ', "y": ', self.declare("any"), "} in input.points")),
            (1, lambda: node('some {"x": 1, "y": ', self.declare("any"), "} in input.points")),
            (1, lambda: node('some "', self.pick(STRINGS[:6]), '", ', self.declare("any"), " in input.words")),
        ])

    def walking(self, depth: int) -> Node:
        subject = self.pick(["input", "input.user", "input.items", "input.matrix", "input.any", "input.limits"])
        shape = self.rng.randrange(6)
        first, second = self.bind("arr"), self.bind("any")
        if shape == 0:
            return node(f"walk({subject}, [{first}, {second}])")
        if shape == 1:
            return node(f"some {first}, {second}; walk({subject}, [{first}, {second}])")
        if shape == 2:
            return node(f"[{first}, {second}] = walk({subject})")
        if shape == 3:
            self.scope = [bound for bound in self.scope if bound[0] != first]
            return node(f"walk({subject}, [_, {second}])")
        return node(f"[{first}, {second}] := walk({subject})")

    def negation(self, depth: int) -> Node:
        outer = list(self.scope)
        inner = self.weighted([
            (4, lambda: self.condition(depth)), (3, lambda: self.document(self.pick(list(INPUT)))),
            (1, lambda: node(self.condition(depth), self.modifier())),
            *([(2, lambda: expr(self.reference(self.pick(self.rules)[0])))] if self.rules else []),
        ])
        self.scope = outer
        if inner.text() == "true":
            # OPA drops a body that is `not true` alone where the rule's value is computed.
            inner = expr("false")
        return node("not ", inner)

    def destructuring(self, depth: int) -> Node:
        operator = self.pick([" := ", " := ", " = "])
        shape = self.rng.randrange(7)
        if shape == 0:
            return node("[", self.bind("str"), ", ", self.bind("num"), "]", operator, "input.pair")
        if shape == 1:
            return node('{"x": ', self.bind("num"), ', "y": ', self.bind("any"), "}", operator, "input.point")
        if shape == 2:
            value = self.expr("str", 0)
            return node("[", self.bind("str"), ", ", self.bind("str"), "]", operator, "split(", value, ', "/")')
        if shape == 3:
            return node("[", self.bind("any"), ", [", self.bind("any"), ", _]]", operator, "input.matrix")
        if shape == 4:
            first, second = self.expr("any", depth), self.expr("num", depth)
            return node("[", self.bind("any"), ", ", self.bind("num"), "]", operator, "[", first, ", ", second, "]")
        if shape == 5:
            return node('["a", ', self.bind("num"), "] = input.pair")
        return node('{"x": 1, "y": ', self.bind("any"), "} = input.point")

    def unification(self, depth: int) -> Node:
        if self.chance(0.5):
            left, right = self.expr("num", 0), self.expr("str", 0)
            return node("[", self.bind("num"), ", ", right, "] = [", left, ", ", self.bind("str"), "]")
        value = self.expr("any", 0)
        return node('{"a": ', self.bind("any"), ', "b": [', self.bind("any"), ']} = {"a": ', value, ', "b": ',
                    self.document("strs"), "}")

    def printing(self) -> Node:
        values = [self.expr(self.pick(["str", "any"]), 0) for _ in range(self.pick([1, 1, 2]))]
        if self.scope and self.chance(0.5):
            values.append(expr(self.pick(self.scope)[0]))
        return node("print(", items(values, ", ", 1), ")")

    def output_argument(self, depth: int) -> Node:
        shape = self.rng.randrange(4)
        if shape == 0:
            value = self.expr("str", 0)
            return node("split(", value, ', ".", ', self.bind("strs"), ")")
        if shape == 1:
            value = self.expr("coll", 0)
            return node("count(", value, ", ", self.bind("num"), ")")
        if shape == 2:
            value = self.expr("str", 0)
            return node("upper(", value, ', "', self.pick(["A", "ADMIN", ""]), '")')
        value = self.expr("num", 0)
        return node("plus(", value, ", 1, ", self.bind("num"), ")")

    def every(self, depth: int) -> Node:
        type_ = self.pick(["strs", "nums", "objs", "coll", "any"])
        inner = ELEMENT.get(type_, "any")
        source = self.document("any") if type_ == "any" else self.expr(type_, min(depth, 1))
        outer = list(self.scope)
        self.scope = list(outer)
        declared = [self.bind("any"), self.bind(inner)] if self.chance(0.3) else [self.bind(inner)]
        body = self.body(depth, self.pick([1, 1, 2]))
        text = body.text()
        body.parts += [self.use(name) for name in declared if not occurrences(name, text)]
        self.scope = outer
        return node(f"every {', '.join(declared)} in ", source, " { ", body, " }")

    def modified(self, depth: int) -> Node:
        """A statement under `with`."""
        shape = self.rng.randrange(6)
        if shape == 0:
            name = self.pick(["lower", "upper", "count", "trim_space", "to_number", "is_string"])
            value = self.expr("str", 0)
            result = self.bind("any")
            by = self.pick(['"mocked"', "3", "true", "null", "input.name", '["x"]', "upper"])
            if by == name:
                by = "lower"
            return node(f"{result} := {name}(", value, f") with {name} as {by}")
        if shape == 1 and self.functions:
            function = self.pick(self.functions)
            call = self.call(function, 0)
            result = self.bind("any")
            by = self.pick(['"mocked"', "3", "true", "input.name", "false"])
            name = function[0]
            return node(f"{result} := ", call, f" with {name} as {by}")
        statement = self.condition(depth) if self.chance(0.6) or not self.rules else node(
            self.bind("any"), " := ", self.reference(self.pick(self.rules)[0]))
        modifiers = [self.modifier() for _ in range(self.pick([1, 1, 2]))]
        if statement.text() == "true":
            # As with `not true`: OPA drops such a body.
            statement = expr("false")
        return node(statement, *modifiers)

    def modifier(self) -> Node:
        shape = self.rng.randrange(8)
        if shape < 3:
            path = self.pick([path for paths in INPUT.values() for path in paths if "[" not in path])
            return node(f" with {self.field('input', path)} as ", self.expr(self.pick(["str", "num", "any"]), 0))
        if shape == 3:
            return node(" with input as ", self.expr(self.pick(["obj", "rec", "any"]), 1))
        if shape == 4:
            path = self.pick(["d.names", "d.max", "d.users.ann.role", "d.limits", "d.on", "d.users", "d.missing.x"])
            return node(f" with {self.field('data', path)} as ", self.expr(self.pick(["str", "strs", "any"]), 0))
        complete = [rule for rule in self.rules if "." not in rule[0]]
        if shape == 5 and complete:
            return node(f" with data.t.{self.pick(complete)[0]} as ", self.expr("any", 0))
        if shape == 6:
            return node(f" with {self.pick(['count', 'lower', 'upper'])} as ", self.pick(['"m"', "2", "null"]))
        return node(" with data.d as ", self.pick(['{"names": ["a", "z"]}', "{}", "input.user", "input"]))

    # Rules.

    def rule(self, package: str) -> Node:
        name = self.names.pop()
        self.scope, self.used = [], set()
        kind = self.weighted([(5, lambda: "complete"), (4, lambda: "set"), (2, lambda: "object"),
                              (1.2, lambda: "dotted"), (4, lambda: "boolean"), (1, lambda: "constant")])
        type_, text = getattr(self, f"{kind}_rule")(name)
        shown = name if package == "t" else f"data.{package}.{name}"
        held = {"set": "set", "object": "object"}.get(kind, "complete")
        self.rules.append((shown, type_, held))
        if kind == "dotted" and package == "t":
            self.rules.append((f"{name}.a", "any", "complete"))
        return text

    def opening(self, head: Node, body: Node) -> Node:
        """A head with its body."""
        if self.chance(0.3) and len(body.parts) == 1 and "; " not in body.text():
            return node(head, (" if ", " { "), body, ("", " }"))
        body.separator = "\n\t" if self.chance(0.8) else "; "
        return node(head, ((" if", "")), " {\n\t", body, "\n}")

    def definition(self, make, values: list[str], count: int | None = None) -> Node:
        self.scope = []
        body = self.body(2, count or self.pick([1, 2, 2, 3]))
        return self.opening(make(values), body)

    def complete_rule(self, name: str):
        type_ = self.pick(PLAIN)
        parts = []
        if self.chance(0.25) and type_ not in ("rec", "objs"):
            parts.append(node(f"default {name} := ", self.constant(type_)))
        for _ in range(self.pick([1, 1, 1, 2])):
            self.scope = []
            body = self.body(2, self.pick([1, 2, 2, 3]), headed=True)
            value = self.head(type_, 1) if self.pending or self.chance(0.6) else self.constant(type_)
            text = self.opening(node(f"{name} := ", value), body)
            while self.chance(0.3):
                self.scope = []
                if self.chance(0.3):
                    text = node(text, " else := ", self.constant(type_))
                    break
                body = self.body(1, self.pick([1, 1, 2]), headed=True)
                value = self.head(type_, 1)
                text = node(text, " ", self.opening(node("else := ", value), body))
            parts.append(text)
        return type_, items(parts, "\n\n", 1)

    def boolean_rule(self, name: str):
        parts = []
        if self.chance(0.4):
            parts.append(node(f"default {name} := false"))
        for _ in range(self.pick([1, 1, 2])):
            self.scope = []
            body = self.body(2, self.pick([1, 2, 2, 3]))
            text = self.opening(node(name), body)
            if self.version == 0 and self.chance(0.4):
                self.scope = []
                second = self.body(1, 1)
                text = node(text, (f"\n\n{name} if", ""), " {\n\t", second, "\n}")
            parts.append(text)
        return "bool", items(parts, "\n\n", 1)

    def constant_rule(self, name: str):
        type_ = self.pick(PLAIN)
        self.scope = []
        return type_, node(f"{name} := ", self.expr(type_, 2))

    def set_rule(self, name: str):
        type_ = self.pick(["set", "sset"])
        parts = []
        for _ in range(self.pick([1, 1, 2])):
            self.scope = []
            body = self.body(2, self.pick([1, 2, 2, 3]), generating=self.chance(0.7), headed=True)
            value = self.head("str" if type_ == "sset" else "any", 1)
            if self.version == 1 and len(body.parts) == 1 and "; " not in body.text() and self.chance(0.1):
                parts.append(node(f"{name} contains ", value, " if ", body))
                continue
            parts.append(self.opening(node(name, (" contains ", "["), value, ("", "]")), body))
        return type_, items(parts, "\n\n", 1)

    def object_rule(self, name: str):
        parts = []
        for _ in range(self.pick([1, 1, 2])):
            self.scope = []
            body = self.body(2, self.pick([1, 2, 2, 3]), generating=self.chance(0.8), headed=True)
            key, value = self.head("str", 0), self.head("any", 1)
            parts.append(self.opening(node(f"{name}[", key, ("] := ", "] = "), value), body))
        return "obj", items(parts, "\n\n", 1)

    def dotted_rule(self, name: str):
        parts = []
        shape = self.rng.randrange(4)
        for number in range(self.pick([1, 2])):
            self.scope = []
            body = self.body(2, self.pick([1, 2]), generating=self.chance(0.6), headed=True)
            key, value = self.head("str", 0), self.head("any", 1)
            if shape == 0:
                head = node(f"{name}.{'ab'[number]} := ", value)
            elif shape == 1:
                head = node(f"{name}.a[", key, "] := ", value)
            elif shape == 2 and self.keywords:
                head = node(f"{name}.a contains ", value)
            else:
                head = node(f"{name}[", key, "].b := ", value)
            parts.append(self.opening(head, body))
        return "obj", items(parts, "\n\n", 1)

    def function(self, package: str) -> Node:
        name = self.pick(FUNCTIONS)
        if any(name == existing.split(".")[-1] for existing, _, _ in self.functions):
            self.counter += 1
            name = f"{name}{self.counter}"
        self.used = set()
        types = [self.pick(["str", "num", "rec", "strs", "any"]) for _ in range(self.pick([1, 1, 1, 2]))]
        called_with = list(types)
        result = self.pick(["str", "num", "bool", "bool", "rec", "any", "strs", "obj"])
        parts = []
        if self.chance(0.15) and result != "rec":
            parts.append(node(f"default {name}({', '.join('_' for _ in types)}) := ", self.constant(result)))
        for _ in range(self.pick([1, 1, 2, 2])):
            self.scope = []
            arguments = [self.argument(type_) for type_ in types]
            called_with = ["dynamic" if not isinstance(argument.parts[0], str) or len(argument.parts) > 1
                           or argument.parts[0] not in (name for name, _ in self.scope) and argument.parts[0] != "_"
                           else wanted for argument, wanted in zip(arguments, called_with)]
            own = list(self.scope)
            body = self.body(1, self.pick([1, 1, 2]))
            head = [f"{name}(", node(*interleave(arguments)), ")"]
            if result == "bool" and self.chance(0.7):
                text = self.opening(node(*head), body)
            elif self.chance(0.3):
                self.scope = own
                text = node(*head, " := ", self.function_value(result))
            else:
                text = self.opening(node(*head, " := ", self.function_value(result)), body)
                if self.chance(0.25):
                    text = node(text, " else := ", self.constant(result))
            parts.append(text)
        called = name if package == "t" else f"data.{package}.{name}"
        self.functions.append((called, called_with, "str" if result == "any" else result))
        return items(parts, "\n\n", 1)

    def function_value(self, result: str) -> Node:
        # After the arguments, no variable of a body that may not be there.
        if result == "obj":
            return self.object_literal(0) if self.chance(0.5) else self.document("obj")
        arguments = [name for name, bound in self.scope if bound == result]
        if arguments and self.chance(0.5):
            return expr(self.pick(arguments))
        return self.constant(result)

    def argument(self, type_: str) -> Node:
        shape = self.rng.randrange(12)
        if shape == 0:
            return node(self.pick(['"a"', "1", "null", '"admin"', "true"]))
        if shape == 1:
            return node("[", self.bind("any"), ", ", self.bind("any"), "]")
        if shape == 2:
            return node('{"x": ', self.bind("any"), ', "y": _}')
        if shape == 3:
            return node("_")
        return node(self.bind(type_))

    def constant(self, type_: str) -> Node:
        if type_ == "num":
            return expr(self.pick(NUMBERS))
        if type_ == "str":
            return expr(quote(self.pick(STRINGS)))
        if type_ == "bool":
            return expr(self.pick(["true", "false"]))
        return expr({"strs": '["a", "b"]', "nums": "[1, 2]", "arr": "[]", "set": "{1, 2}", "sset": '{"a"}',
                     "obj": '{"name": "a"}', "rec": "input.user", "objs": "input.items", "any": "null"}[type_])

    # Modules.

    def program(self) -> Program:
        modules = {}
        imports = []
        if self.version == 1 and self.chance(0.1):
            imports.append(node("import rego.v1"))
        self.names = self.rng.sample(NAMES, len(NAMES))
        if self.chance(0.3):
            parts = [self.function("lib") for _ in range(self.pick([1, 2]))]
            parts += [self.rule("lib") for _ in range(self.pick([0, 1]))]
            modules["lib.rego"] = items([self.package("lib"), *parts], "\n\n", 1)
            self.import_lib(imports)
        if self.chance(0.12):
            type_ = self.pick(["rec", "strs", "num"])
            path = self.pick([path for path in INPUT[type_] if "[" not in path])
            if path not in ("tags", "n"):
                imports.append(node(f"import input.{path} as given"))
                self.aliases.append(("given", type_))
        parts = []
        second = []
        rules = []
        for _ in range(self.pick([0, 0, 1, 1, 2])):
            parts.append(self.function("t"))
        for _ in range(self.pick([2, 3, 4])):
            rules.append(self.names[-1])
            target = second if self.chance(0.1) else parts
            aliases = self.aliases
            if target is second:
                self.aliases = []
            known_rules, known_functions = self.rules, self.functions
            if target is second:
                self.rules = [rule for rule in self.rules if "." not in rule[0] or rule[0].startswith("data.")]
                self.functions = [f for f in self.functions if f[0] not in self.imported and ("." not in f[0] or f[0].startswith("data."))]
            target.append(self.rule("t"))
            if target is second:
                self.rules = known_rules + self.rules[-1:]
                self.functions = known_functions
            self.aliases = aliases
            if self.chance(0.15):
                parts.append(self.function("t"))
        if imports and parts and self.chance(0.1):
            parts.insert(1, imports.pop())
        if self.chance(0.1):
            parts.insert(0, node("# METADATA\n# title: x"))
            parts[0:2] = [node(parts[0], "\n", parts[1])] if len(parts) > 1 else parts[0:1]
        modules["t.rego"] = items([self.package("t"), *imports, *parts], "\n\n", 1)
        if second:
            modules["more.rego"] = items([self.package("t"), *second], "\n\n", 1)
        inputs = [self.input() for _ in range(3)]
        return Program(modules, self.data(), inputs, rules, self.version)

    def package(self, name: str) -> Node:
        old = "\n\nimport future.keywords" if self.version == 0 and self.keywords else ""
        return node(f"package {name}{old}")

    def import_lib(self, imports: list[Node]) -> None:
        shape = self.rng.randrange(4)
        if shape == 0:
            return
        alias = {1: "lib", 2: "helper", 3: None}[shape]
        if alias:
            imports.append(node("import data.lib" if alias == "lib" else "import data.lib as helper"))
            self.functions = [(name.replace("data.lib", alias), *rest) for name, *rest in self.functions]
            self.rules = [(name.replace("data.lib", alias), *rest) for name, *rest in self.rules]
            return
        name, *rest = self.functions[-1]
        short = name.split(".")[-1]
        imports.append(node(f"import {name}" if self.chance(0.5) else f"import {name} as {short}"))
        self.functions[-1] = (short, *rest)
        self.imported.add(short)

    # Documents.

    def input(self) -> object:
        if self.chance(0.02):
            return self.pick([None, [], "a", 1, {}])
        whole = {
            "name": self.value("str"), "text": self.value("str"), "n": self.value("num"), "age": self.value("num"),
            "flag": self.value("bool"), "tags": self.value("strs"), "texts": self.value("strs"),
            "counts": self.value("nums"), "items": self.value("objs"), "users": self.value("objs"),
            "user": self.value("rec"), "limits": {"cpu": self.value("num"), "mem": self.value("num")},
            "words": {"in": self.value("str"), "package": self.value("str"), "a": self.value("num")},
            "point": {"x": self.value("num"), "y": self.value("any")}, "pair": [self.value("str"), self.value("num")],
            "pairs": [[self.value("str"), self.value("num")] for _ in range(self.pick([0, 1, 2, 3]))],
            "points": [{"x": self.value("num"), "y": self.value("any")} for _ in range(self.pick([0, 1, 2]))],
            "matrix": [[1, 2], [3, self.value("num")], []][: self.pick([1, 2, 3])],
            "mixed": [self.value("any") for _ in range(self.pick([0, 1, 3]))],
            "nothing": None, "any": self.value("any"),
            "more": {"odd key": self.value("str"), "on": self.value("bool"), "counts": self.value("nums"),
                     "user": self.value("rec")},
        }
        for key in list(whole):
            roll = self.rng.random()
            if roll < 0.13:
                del whole[key]
            elif roll < 0.18:
                whole[key] = None
            elif roll < 0.26:
                whole[key] = self.odd()
        return whole

    def odd(self) -> object:
        return self.pick([None, "", [], {}, 0, False, "x", 1, ["a"], {"name": "a"}, True, [None], [[]], {"a": None},
                          {"x": {"y": 1}}, 1.5, -1, "10", ["a", 1, None]])

    def value(self, type_: str, depth: int = 2) -> object:
        if self.chance(0.08):
            return self.odd()
        if type_ == "str":
            return self.pick(STRINGS)
        if type_ == "num":
            return self.pick([0, 1, 2, 3, 5, 10, 18, 100, -1, 1.5, 2.5, 0.1, 99, 1000000, 250.5])
        if type_ == "bool":
            return self.pick([True, False])
        if type_ in ("strs", "nums"):
            return [self.value(ELEMENT[type_]) for _ in range(self.pick([0, 1, 2, 3]))]
        if type_ == "objs":
            return [self.value("rec", depth - 1) for _ in range(self.pick([0, 1, 2, 3]))]
        if type_ == "rec":
            whole = {"name": self.value("str"), "role": self.value("str"), "n": self.value("num"),
                     "level": self.value("num"), "banned": self.value("bool"), "ready": self.value("bool"),
                     "tags": self.value("strs"), "roles": self.value("strs"), "owner": self.value("str"),
                     "zone": self.value("str"), "if": self.value("str"), "size": self.value("num")}
            return {key: value for key, value in whole.items() if self.chance(0.6)}
        if type_ == "any":
            return self.value(self.pick(["str", "num", "bool", "strs", "rec"])) if depth and self.chance(0.7) \
                else self.odd()
        return self.odd()

    def data(self) -> dict:
        return {
            "d": {"names": ["a", "b", self.value("str")], "title": self.value("str"), "max": self.value("num"),
                  "limits": {"cpu": self.value("num")}, "on": self.value("bool"), "counts": [1, 2, 2],
                  "users": {"ann": {"role": "admin", "ready": True, "roles": ["a", "b"]}, "bob": {"roles": []}},
                  "records": [self.value("rec"), self.value("rec")], "words": {"a": "x", "b": None},
                  "empty": {}, "nothing": None, "mixed": [1, "a", None, [1]], "package": {"in": "kept"}},
            "lib": {"base": {"zone": "north", "n": self.value("num")}},
        }


def occurrences(name: str, text: str) -> int:
    """How often a variable stands in a text, not as a field."""
    return len(re.findall(rf'(?<![\w."]){name}(?![\w"])', text))


def quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def interleave(nodes: list[Node]) -> list:
    out: list = []
    for number, one in enumerate(nodes):
        out += [", ", one] if number else [one]
    return out


def generate(seed: str) -> Program:
    return Generator(seed).program()


def show(seed: str) -> None:
    program = generate(seed)
    for name, text in program.texts(old=program.version == 0).items():
        print(f"# {name} of {seed}\n{text}\n")
    print(f"inputs {program.inputs}\ndata {program.data}\n")

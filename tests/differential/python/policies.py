"""Whole policies: classes with control flow, and what CPython makes of them."""

import json


class Body:
    """Statements over the numbers `a`, `b`, the list `xs`, the text `s` and the trace `out`."""

    def __init__(self, rng):
        self.rng = rng
        self.helpers = []
        self.loops = 0
        self.fresh = 0

    def name(self, stem):
        self.fresh += 1
        return f"{stem}{self.fresh}"

    def number(self, depth=2):
        rng = self.rng
        if depth == 0 or rng.randrange(3) == 0:
            return rng.choice(("a", "b", "len(xs)", str(rng.randrange(-3, 10)), repr(rng.randrange(-40, 40) / 8), "len(s)", "sum(xs)"))
        left, right = self.number(depth - 1), self.number(depth - 1)
        return rng.choice((
            f"({left} + {right})", f"({left} - {right})", f"({left} * {right})", f"({left} % {right})", f"({left} // {right})",
            f"({left} / {right})", f"max({left}, {right})", f"abs({left})", f"round({left}, 1)", f"int({left})", f"({left} if {self.test(1)} else {right})",
            f"min([x for x in xs if x > {left}], default={right})",
        ))

    def test(self, depth=2):
        rng = self.rng
        return rng.choice((
            lambda: f"{self.number(1)} > {self.number(1)}", lambda: "xs", lambda: f"{self.number(1)} in xs", lambda: "s",
            lambda: f"any(x > {self.number(0)} for x in xs)", lambda: f"all(x != {self.number(0)} for x in xs)",
            lambda: f"not ({self.number(1)} < 2)", lambda: f"s.startswith('a') or {self.number(1)} == 0", lambda: "input_data.get('flag')",
            lambda: f"0 < {self.number(1)} <= 5",
        ))()

    def value(self):
        rng = self.rng
        return rng.choice((
            lambda: self.number(), lambda: f"[x * {self.number(1)} for x in xs]", lambda: "{str(x): x for x in xs}",
            lambda: "f'{a:>5}|{s:<4}|{b:.2f}'", lambda: "s.upper() + str(a)", lambda: f"sorted(xs, key=lambda x: -x)[:{rng.randrange(4)}]",
            lambda: "list(zip(xs, s))", lambda: "[*xs, *s]", lambda: "{**{'a': a}, 'b': b}", lambda: f"(lambda q: q + {self.number(1)})(a)",
            lambda: "sorted({x % 3 for x in xs})", lambda: "list(enumerate(s))", lambda: "[y for x in xs for y in [x, -x] if y]", lambda: "str(locals().get('zz'))",
        ))()

    def block(self, depth, loop=False, generator=False):
        count = self.rng.randrange(1, 4)
        lines = []
        for _ in range(count):
            lines += self.statement(depth, loop, generator)
            if lines[-1].startswith(("return", "raise", "break", "continue")):
                break
        return lines

    def indent(self, lines):
        return ["    " + line for line in lines]

    def statement(self, depth, loop, generator):
        rng = self.rng
        simple = [
            lambda: [f"a = {self.number()}"], lambda: [f"b = {self.number()}"], lambda: [f"out.append({self.value()})"],
            lambda: [f"xs = [x for x in xs if {self.test(1)}]"], lambda: [f"a, b = b, {self.number(1)}"], lambda: [f"xs.append({self.number(1)})"],
            lambda: [f"s = s + {rng.choice(('str(a)', repr('é'), 's[:1]'))}"], lambda: [f"a += {self.number(1)}"],
        ]
        ends = [lambda: [f"return {self.value()}" if not generator else f"yield {self.value()}"],
                lambda: [f"raise {rng.choice(('ValueError', 'KeyError', 'Problem', 'Both'))}({self.number(1)})"]]
        if loop:
            ends += [lambda: ["break"], lambda: ["continue"]]
        if depth == 0:
            return rng.choice(simple + simple + ends)()
        blocks = [self.if_, self.for_, self.while_, self.try_, self.with_, self.function, self.match, self.finally_]
        way = rng.choice(blocks + [None, None])
        if way is None:
            return rng.choice(simple + ([rng.choice(ends)] if rng.randrange(3) == 0 else []))()
        return way(depth - 1, loop, generator)

    def if_(self, depth, loop, generator):
        lines = [f"if {self.test()}:"] + self.indent(self.block(depth, loop, generator))
        if self.rng.randrange(2):
            lines += [f"elif {self.test()}:"] + self.indent(self.block(depth, loop, generator))
        if self.rng.randrange(2):
            lines += ["else:"] + self.indent(self.block(depth, loop, generator))
        return lines

    def for_(self, depth, loop, generator):
        name = self.name("i")
        over = self.rng.choice(("list(xs)[:4]", "range(3)", "enumerate(s[:3])", "zip(list(xs)[:3], s)", "reversed(xs[:3])", "{'k': a, 'l': b}.items()", "stream(xs[:3])"))
        lines = [f"for {name} in {over}:", f"    out.append(str({name}))"] + self.indent(self.block(depth, True, generator))
        if self.rng.randrange(3) == 0:
            lines += ["else:"] + self.indent(self.block(depth, loop, generator))
        return lines

    def while_(self, depth, loop, generator):
        name = self.name("n")
        lines = [f"{name} = 0", f"while {name} < {self.rng.randrange(1, 4)}:", f"    {name} += 1"]
        lines += self.indent(self.block(depth, True, generator))
        if self.rng.randrange(3) == 0:
            lines += ["else:"] + self.indent(self.block(depth, loop, generator))
        return lines

    def try_(self, depth, loop, generator):
        rng = self.rng
        lines = ["try:"] + self.indent(self.block(depth, loop, generator))
        for kind in rng.sample(("ValueError", "(KeyError, TypeError)", "ZeroDivisionError", "Problem", "Exception"), rng.randrange(1, 3)):
            lines += [f"except {kind} as e:", "    out.append([type(e).__name__, len(e.args)])"] + self.indent(self.block(depth, loop, generator))
            if kind == "Exception":
                break
        if rng.randrange(3) == 0:
            lines += ["else:"] + self.indent(self.block(depth, loop, generator))
        if rng.randrange(2):
            lines += ["finally:"] + self.indent(self.tail(depth, loop, generator))
        return lines

    def tail(self, depth, loop, generator):
        return [self.rng.choice((
            f"out.append([x for x in xs if x != {self.number(0)}])", "out.append(sum(x for x in xs))", "out.append({x: 1 for x in s})",
            "out.append(sorted({x for x in s}))", "out.extend(c.upper() for c in s)", "out.append('finally')",
            "out.append([[y for y in s] for x in xs[:2]])",
        ))] + (self.simple() if self.rng.randrange(3) == 0 else [])

    def simple(self):
        return [self.rng.choice((f"a = {self.number()}", f"b = {self.number()}", f"out.append({self.number()})"))]

    def finally_(self, depth, loop, generator):
        return ["try:"] + self.indent(self.block(depth, loop, generator)) + ["finally:"] + self.indent(self.tail(depth, loop, generator))

    def with_(self, depth, loop, generator):
        guard = self.rng.choice(("Guard(out, False)", "Guard(out, True)", "guarded(out)", "contextlib.suppress(ValueError, ZeroDivisionError)"))
        return [f"with {guard} as g:"] + self.indent(self.block(depth, loop, generator))

    def function(self, depth, loop, generator):
        name, yields = self.name("f"), self.rng.randrange(2) == 1
        inner = self.block(depth, False, yields)
        declared = self.rng.choice(("nonlocal a, b", "nonlocal a, b, xs, s", "nonlocal s, a, b"))
        if "xs" not in declared:
            declared += ", xs"
        if not declared.startswith("nonlocal s") and ", s" not in declared:
            declared += ", s"
        if yields:
            return [f"def {name}():", f"    {declared}", f"    yield {self.number(1)}"] + self.indent(inner) + [
                f"out.append(list({name}()))" if self.rng.randrange(2) else f"out.append(next({name}(), None))"]
        return [f"def {name}():", f"    {declared}"] + self.indent(inner) + [f"out.append({name}())"]

    def match(self, depth, loop, generator):
        lines = [f"match {self.rng.choice(('xs', 'a', 's', '(a, b)', 'input_data'))}:"]
        for pattern in self.rng.sample(("[]", "[x0]", "[x0, *rest]", "int()", "float()", "str()", "(0, _)", "{'flag': True}", "{'s': str(t0)}", "0 | 1 | 2"), 3):
            lines += [f"    case {pattern}{self.rng.choice(('', '', ' if a'))}:"] + self.indent(self.indent(self.block(depth, loop, generator)))
        return lines + ["    case _:", "        out.append('other')"]


HEAD = '''import contextlib
import math


class Problem(Exception):
    pass


class Both(Problem, KeyError):
    pass


class Guard:
    def __init__(self, out, swallows):
        self.out = out
        self.swallows = swallows

    def __enter__(self):
        self.out.append("enter")
        return self

    def __exit__(self, kind, error, trace):
        self.out.append(["exit", kind.__name__ if kind else None])
        return self.swallows


@contextlib.contextmanager
def guarded(out):
    out.append("before")
    try:
        yield 1
    finally:
        out.append("after")


def stream(values):
    for value in values:
        yield value


class AIOSv1PolicyRule:
    def __init__(self, rule_id, settings, parameters):
        pass

    def eval(self, parameters, input_data, context):
        out = []
        try:
            result = self.decide(input_data, out)
        except (ValueError, KeyError, TypeError, ZeroDivisionError, Problem, OverflowError, UnboundLocalError, RuntimeError, IndexError) as e:
            result = ["raised", type(e).__name__]
        return repr([result, out])

    def decide(self, input_data, out):
        a, b, xs, s = input_data["a"], input_data["b"], list(input_data["xs"]), input_data["s"]
'''


def generate(rng, depth=2):
    while True:
        body = Body(rng)
        lines = body.block(depth)
        for _ in range(3):
            lines += body.block(depth)
        code = HEAD + "".join(f"        {line}\n" for line in lines) + "        return [a, b, xs, s]\n"
        try:
            compile(code, "policy", "exec")
        except SyntaxError:
            continue
        break
    inputs = [{"a": rng.choice((0, 1, 7, -3, 2.5)), "b": rng.choice((0, 2, -1, 0.1, 12)), "xs": [rng.randrange(-3, 9) for _ in range(rng.randrange(5))],
               "s": rng.choice(("", "ab", "aéx", "zz top")), "flag": bool(rng.randrange(2))} for _ in range(4)]
    return code, inputs


def run(code, given):
    scope = {"__name__": "policy"}
    exec(compile(code, "policy", "exec"), scope)
    try:
        policy = scope["AIOSv1PolicyRule"]("", {}, {})
        return json.loads(json.dumps(policy.eval({}, json.loads(json.dumps(given)), None)))
    except Exception as error:
        return "!" + type(error).__name__

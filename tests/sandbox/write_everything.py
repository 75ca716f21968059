import sys
from collections import deque

MARK = "a mark of an earlier run"
NAME = "writ_mark"
PROXY = type(type.__dict__)


def attribute(thing, name):
    try:
        return object.__getattribute__(thing, name)
    except Exception:
        return None


def parts(thing):
    """What a thing leads to."""
    kind = type(thing)
    found = [kind]
    if issubclass(kind, dict) or kind is PROXY:
        for key in list(dict.keys(thing) if issubclass(kind, dict) else thing.keys()):
            found.append(key)
            found.append(dict.get(thing, key) if issubclass(kind, dict) else thing[key])
    elif issubclass(kind, (list, tuple, set, frozenset, deque)):
        found.extend(list(kind.__iter__(thing)))
    if issubclass(kind, type):
        found.append(type.mro(thing) if thing is not type else [])
        found.extend(type.__subclasses__(thing))
        for name in list(type.__dict__["__dict__"].__get__(thing).keys()):
            found.append(type.__dict__["__dict__"].__get__(thing)[name])
    namespace = attribute(thing, "__dict__")
    if namespace is not None:
        found.append(namespace)
    for name in ("__defaults__", "__kwdefaults__", "__closure__", "__globals__", "__code__", "__self__",
                 "__func__", "__wrapped__", "fget", "fset", "fdel", "cell_contents"):
        part = attribute(thing, name)
        if part is not None:
            found.append(part)
    return found


def reachable():
    """Every object that can be reached from the modules of the interpreter, each once."""
    seen, found, todo = {}, [], [sys.modules, object]
    while todo:
        thing = todo.pop()
        if id(thing) in seen or thing is seen or thing is found or thing is todo:
            continue
        seen[id(thing)] = thing
        found.append(thing)
        todo.extend(parts(thing))
    return found


def write(things, attempt):
    """Writes each object in every way that its type has. Returns how many were written."""
    written = 0
    for thing in things:
        before = written
        kind = type(thing)
        for action in (
            lambda: setattr(thing, NAME, MARK),
            lambda: dict.__setitem__(thing, NAME, MARK),
            lambda: list.append(thing, MARK),
            lambda: set.add(thing, MARK),
            lambda: deque.append(thing, MARK),
            lambda: bytearray.extend(thing, b"mark"),
            lambda: setattr(thing, "__defaults__", (MARK,)),
            lambda: setattr(thing, "__doc__", MARK),
        ):
            if attempt(action):
                written += 1
                break
    return written


def attempt(action):
    try:
        action()
        return True
    except BaseException:
        return False


def marks(things):
    """How many objects have a mark."""
    count = 0
    for thing in things:
        kind = type(thing)
        if kind is str or thing is MARK:
            continue
        found = [attribute(thing, name) for name in (NAME, "__defaults__", "__doc__")]
        if issubclass(kind, dict):
            found.append(dict.get(thing, NAME))
        elif issubclass(kind, (list, set, deque)):
            found.extend([item for item in kind.__iter__(thing) if type(item) is str])
        elif issubclass(kind, bytearray):
            found.append(MARK if bytes(thing).endswith(b"mark") else None)
        for part in found:
            if type(part) is tuple and len(part) == 1:
                part = part[0]
            if type(part) is str and part == MARK:
                count += 1
                break
    return count


class AIOSv1PolicyRule:
    def __init__(self, rule_id, settings, parameters):
        pass

    def eval(self, parameters, input_data, context):
        things = reachable()
        own = globals()
        things = [thing for thing in things if thing is not own]
        if input_data == "write":
            return {"reached": len(things), "written": write(things, attempt)}
        return {"reached": len(things), "marked": marks(things)}

"""What the library remembers, and how a run comes to find none of it.

Runs once, when everything is imported.
"""

import _abc
import codecs
import encodings
import hashlib
import ipaddress
import re
import string
import sys
import _strptime

# A compiled pattern outlives its run if it is simple enough to be compiled within this depth.
_ROOM = 120
_GROUPS_MAX = 12
_LENGTH_MAX = 2000
_KEPT_MAX = 512

_kept = {}
_seen = {}
_reset_answers = _abc._reset_caches


def _new_pattern(pattern, flags, Pattern=re.Pattern, compiler=re._compiler):
    if isinstance(pattern, Pattern):
        if flags:
            raise ValueError("cannot process flags argument with a compiled pattern")
        return pattern
    if not compiler.isstring(pattern):
        raise TypeError("first argument must be string or compiled pattern")
    return compiler.compile(pattern, flags)


def _compile(pattern, flags, RegexFlag=re.RegexFlag, debug=re.DEBUG.value):
    """`re._compile` in which a run cannot see what others compiled.

    Within a run an equal pattern is the same object, whatever else was compiled. A kept pattern is
    handed out only where compiling it anew would have succeeded too.
    """
    if isinstance(flags, RegexFlag):
        flags = flags.value
    kind = type(pattern)
    # 2.0 equals 2, and a cache would take it where the compiler does not.
    if type(flags) is not int or not (kind is str or kind is bytes):
        return _new_pattern(pattern, flags)
    key = (kind, pattern, flags)
    found = _seen.get(key)
    if found is not None:
        return found
    groups = pattern.count("(" if kind is str else b"(")
    keep = groups <= _GROUPS_MAX and len(pattern) <= _LENGTH_MAX
    if keep and _room() >= _ROOM:
        found = _kept.get(key)
    if found is None:
        found = _new_pattern(pattern, flags)
        if flags & debug:
            return found
        if keep:
            if len(_kept) >= _KEPT_MAX:
                _kept.clear()
            _kept[key] = found
    _seen[key] = found
    return found


def _cached_functions():
    found = {}

    def look(thing):
        thing = getattr(thing, "fget", None) or getattr(thing, "__func__", None) or thing
        clear = getattr(thing, "cache_clear", None)
        if clear is not None and not isinstance(thing, type):
            found[id(thing)] = clear

    for module in list(sys.modules.values()):
        for thing in list(vars(module).values()):
            look(thing)
            if isinstance(thing, type):
                for inner in list(vars(thing).values()):
                    look(inner)
    for clear in sys.modules["typing"]._cleanups:
        found.setdefault(id(clear), clear)
    return list(found.values())


def _with_table(clear):
    """What empties a cache, behind the dictionary that tells whether there is need to."""
    names = clear.__code__.co_freevars
    tables = [cell.cell_contents for name, cell in zip(names, clear.__closure__) if name == "cache"]
    return tables[0], clear


def _abstract_classes():
    """The classes that keep what they answered to `isinstance`."""
    found, todo = {}, [object]
    while todo:
        for kind in type.__subclasses__(todo.pop()):
            if id(kind) not in found:
                found[id(kind)] = kind
                todo.append(kind)
    return [kind for kind in found.values() if "_abc_impl" in vars(kind)]


def forget():
    """Empties what an earlier run may have filled."""
    for table, clear in _tables:
        if table:
            clear()
    for kind in _abstract:
        _reset_answers(kind)


def tally():
    """Grows when a run makes the library load something for good."""
    return len(sys.modules) + len(encodings._cache)


re._compile = _compile
_plain = [
    _seen,
    ipaddress.IPv4Network._netmask_cache,
    ipaddress.IPv6Network._netmask_cache,
    _strptime._regex_cache,
]
_abstract = _abstract_classes()
assert len(_abstract) > 20
_tables = [(table, table.clear) for table in _plain]
_tables += [_with_table(clear) for clear in _cached_functions()]
# What is made at first use is made now.
string.Template.pattern
for name in sorted(hashlib.algorithms_guaranteed):
    try:
        hashlib.new(name)
    except ValueError:
        pass
for name in ("utf-8", "utf8", "ascii", "us-ascii", "latin-1", "latin1", "iso-8859-1", "utf-8-sig",
             "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "windows-1252", "idna"):
    try:
        codecs.lookup(name)
    except (LookupError, ImportError):
        pass

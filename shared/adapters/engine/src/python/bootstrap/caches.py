"""The caches of the library, and how they are emptied between runs.

It runs once, when everything is imported.
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

# A compiled pattern is cached across runs if it can be compiled within this recursion depth.
_RECURSION_MIN = 120
_GROUPS_MAX = 12
_LENGTH_MAX = 2000
_CACHED_MAX = 512

_cached = {}
_seen = {}
_reset_abc_caches = _abc._reset_caches


def _new_pattern(pattern, flags, Pattern=re.Pattern, compiler=re._compiler):
    if isinstance(pattern, Pattern):
        if flags:
            raise ValueError("cannot process flags argument with a compiled pattern")
        return pattern
    if not compiler.isstring(pattern):
        raise TypeError("first argument must be string or compiled pattern")
    return compiler.compile(pattern, flags)


def _compile(pattern, flags, RegexFlag=re.RegexFlag, debug=re.DEBUG.value):
    """`re._compile` with a cache that a run cannot observe.

    Within a run an equal pattern is the same object, whatever else was compiled. A pattern of an
    earlier run is returned only where compiling it would have succeeded too.
    """
    if isinstance(flags, RegexFlag):
        flags = flags.value
    kind = type(pattern)
    # 2.0 equals 2: a cache would accept it as a key, and the compiler refuses it.
    if type(flags) is not int or not (kind is str or kind is bytes):
        return _new_pattern(pattern, flags)
    key = (kind, pattern, flags)
    found = _seen.get(key)
    if found is not None:
        return found
    groups = pattern.count("(" if kind is str else b"(")
    cacheable = groups <= _GROUPS_MAX and len(pattern) <= _LENGTH_MAX
    if cacheable and _recursion_left() >= _RECURSION_MIN:
        found = _cached.get(key)
    if found is None:
        found = _new_pattern(pattern, flags)
        if flags & debug:
            return found
        if cacheable:
            if len(_cached) >= _CACHED_MAX:
                _cached.clear()
            _cached[key] = found
    _seen[key] = found
    return found


def _cached_functions():
    found = {}

    def add(thing):
        thing = getattr(thing, "fget", None) or getattr(thing, "__func__", None) or thing
        clear = getattr(thing, "cache_clear", None)
        if clear is not None and not isinstance(thing, type):
            found[id(thing)] = clear

    for module in list(sys.modules.values()):
        for thing in list(vars(module).values()):
            add(thing)
            if isinstance(thing, type):
                for inner in list(vars(thing).values()):
                    add(inner)
    for clear in sys.modules["typing"]._cleanups:
        found.setdefault(id(clear), clear)
    return list(found.values())


def _with_table(clear):
    """The dictionary of a cache, which is empty if there is nothing to clear, and the clear function."""
    names = clear.__code__.co_freevars
    tables = [cell.cell_contents for name, cell in zip(names, clear.__closure__) if name == "cache"]
    return tables[0], clear


def _abstract_classes():
    """The abstract classes, which cache the results of `isinstance`."""
    found, todo = {}, [object]
    while todo:
        for kind in type.__subclasses__(todo.pop()):
            if id(kind) not in found:
                found[id(kind)] = kind
                todo.append(kind)
    return [kind for kind in found.values() if "_abc_impl" in vars(kind)]


def clear_caches():
    """Empties every cache that an earlier run may have filled."""
    for table, clear in _tables:
        if table:
            clear()
    for kind in _abstract:
        _reset_abc_caches(kind)


def count_loaded():
    """Counts loaded modules and codecs; it grows when a run makes the library load more."""
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
# Make now what the library would make at its first use.
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

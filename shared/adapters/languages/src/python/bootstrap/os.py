"""A shim of `os` for policies: paths as text, an empty environment, seeded bytes."""

import sys
import types

name = "posix"
linesep = "\n"
curdir = "."
pardir = ".."
sep = "/"
altsep = None
extsep = "."
pathsep = ":"
defpath = "/bin:/usr/bin"
devnull = "/dev/null"
error = OSError
environ = types.MappingProxyType({})


def getenv(key, default=None):
    return default


def cpu_count():
    return 1


def fspath(path):
    if isinstance(path, (str, bytes)):
        return path
    try:
        value = type(path).__fspath__(path)
    except AttributeError:
        raise TypeError(
            "expected str, bytes or os.PathLike object, not " + type(path).__name__
        ) from None
    if isinstance(value, (str, bytes)):
        return value
    raise TypeError("__fspath__() must return str or bytes")


def fsencode(filename):
    filename = fspath(filename)
    return filename.encode() if isinstance(filename, str) else filename


def fsdecode(filename):
    filename = fspath(filename)
    return filename.decode() if isinstance(filename, bytes) else filename


def urandom(size, /):
    return _random_bytes(size)


sys.modules["os"] = sys.modules[__name__]

import abc as _abc


class PathLike(_abc.ABC):
    @_abc.abstractmethod
    def __fspath__(self):
        raise NotImplementedError


import posixpath as path

for _name in (
    "abspath", "exists", "expanduser", "expandvars", "getatime", "getctime", "getmtime", "getsize",
    "isdevdrive", "isdir", "isfile", "isjunction", "islink", "ismount", "lexists", "realpath",
    "relpath", "samefile", "sameopenfile", "samestat",
):
    path.__dict__.pop(_name, None)
sys.modules["os.path"] = path

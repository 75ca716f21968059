"""The initialisation of the interpreter, run once: output, clock, warnings."""

import builtins
import sys
import time


class Stream:
    """`sys.stdout` and `sys.stderr`: the run's bounded capture."""

    __slots__ = ()
    encoding = "utf-8"
    errors = "replace"
    newlines = None
    closed = False
    mode = "w"

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError("write() argument must be str, not " + type(text).__name__)
        _write(text)
        return len(text)

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def flush(self):
        pass

    def isatty(self):
        return False

    def readable(self):
        return False

    def writable(self):
        return True

    def seekable(self):
        return False


class Context:
    """The values that earlier runs have stored; a stateless run starts with none."""

    __slots__ = ()

    def get(self, key, default=None):
        found = _context_get(_context_key(key))
        return found[0] if found else default

    def set(self, key, value):
        _context_set(_context_key(key), value)

    def delete(self, key):
        _context_delete(_context_key(key))

    def flush(self):
        _context_flush()


def _context_key(key):
    if not isinstance(key, str):
        raise TypeError("a key of the context is a str, not " + type(key).__name__)
    return key


def _install_clock():
    native_gmtime, native_strftime, native_asctime = time.gmtime, time.strftime, time.asctime

    def now():
        return _now_ms() / 1000

    def now_ns():
        return _now_ms() * 1000000

    def gmtime(seconds=None, /):
        return native_gmtime(now() if seconds is None else seconds)

    def localtime(seconds=None, /):
        return gmtime(seconds)

    def strftime(format, t=None, /):
        return native_strftime(format, gmtime() if t is None else t)

    def asctime(t=None, /):
        return native_asctime(gmtime() if t is None else t)

    def ctime(seconds=None, /):
        return asctime(gmtime(seconds))

    def mktime(t, /):
        import calendar
        return float(calendar.timegm(tuple(t)))

    for name in ("time", "monotonic", "perf_counter", "process_time", "thread_time"):
        setattr(time, name, now)
        setattr(time, name + "_ns", now_ns)
    for function in (gmtime, localtime, strftime, asctime, ctime, mktime):
        setattr(time, function.__name__, function)
    for name in [name for name in time.__dict__ if name.startswith(("clock_", "pthread_", "CLOCK_"))]:
        delattr(time, name)
    time.__dict__.pop("tzset", None)
    time.__dict__.pop("get_clock_info", None)
    time.timezone = time.altzone = time.daylight = 0
    time.tzname = ("UTC", "UTC")


def _open(*args, **kwargs):
    raise OSError("a policy cannot open files; pass the data in input_data or parameters")


def _input(*args):
    raise OSError("a policy has no terminal; pass the data in input_data")


_install_clock()
sys.stdout = sys.__stdout__ = sys.stderr = sys.__stderr__ = Stream()
sys.argv = ["policy"]
# The library looks up the module of a class, as `dataclasses` does for annotations that are text. A
# run's own namespace is not in `sys.modules`, so the library finds an empty module there.
sys.modules["policy"] = type(sys)("policy")
builtins.open = _open
builtins.input = _input

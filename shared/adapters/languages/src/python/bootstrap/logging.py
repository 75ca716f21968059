"""A shim of `logging` for policies: loggers print to the run's capture.

All state is in `_state`.
"""

import sys
import time
import traceback as _traceback

CRITICAL = FATAL = 50
ERROR = 40
WARNING = WARN = 30
INFO = 20
DEBUG = 10
NOTSET = 0
BASIC_FORMAT = "%(levelname)s:%(name)s:%(message)s"
raiseExceptions = True
_names = {50: "CRITICAL", 40: "ERROR", 30: "WARNING", 20: "INFO", 10: "DEBUG", 0: "NOTSET"}
_levels = {name: level for level, name in _names.items()} | {"FATAL": 50, "WARN": 30}
_state = {}


def _level(level):
    if isinstance(level, str):
        if level not in _levels:
            raise ValueError(f"Unknown level: {level!r}")
        return _levels[level]
    if not isinstance(level, int):
        raise TypeError(f"Level not an integer or a valid string: {level!r}")
    return level


def getLevelName(level):
    return _levels.get(level, _names.get(level, f"Level {level}"))


def getLevelNamesMapping():
    return dict(_levels)


class LogRecord:
    def __init__(self, name, level, msg, args, exc_info):
        self.name = name
        self.levelno = level
        self.levelname = getLevelName(level)
        self.msg = msg
        self.args = args[0] if len(args) == 1 and isinstance(args[0], dict) and args[0] else args
        self.exc_info = exc_info
        self.created = time.time()
        self.msecs = (self.created * 1000) % 1000
        self.module = self.filename = self.pathname = "policy"
        self.process = self.thread = 0
        self.processName = "MainProcess"
        self.threadName = "MainThread"
        self.funcName = ""
        self.lineno = 0

    def getMessage(self):
        message = str(self.msg)
        return message % self.args if self.args else message


class Formatter:
    def __init__(self, fmt=None, datefmt=None, style="%", validate=True, *, defaults=None):
        if style not in ("%", "{"):
            raise ValueError("Style must be one of: %,{")
        self.style = style
        self.fmt = fmt or ("%(message)s" if style == "%" else "{message}")
        self.datefmt = datefmt

    def formatTime(self, record, datefmt=None):
        at = time.gmtime(record.created)
        if datefmt:
            return time.strftime(datefmt, at)
        return time.strftime("%Y-%m-%d %H:%M:%S", at) + ",%03d" % record.msecs

    def format(self, record):
        record.message = record.getMessage()
        record.asctime = self.formatTime(record, self.datefmt)
        values = record.__dict__
        text = self.fmt % values if self.style == "%" else self.fmt.format(**values)
        if record.exc_info:
            text += "\n" + "".join(_traceback.format_exception(record.exc_info)).rstrip("\n")
        return text


class Handler:
    def __init__(self, level=NOTSET):
        self.level = _level(level)
        self.formatter = None

    def setLevel(self, level):
        self.level = _level(level)

    def setFormatter(self, formatter):
        self.formatter = formatter

    def format(self, record):
        return (self.formatter or Formatter()).format(record)

    def handle(self, record):
        if record.levelno >= self.level:
            self.emit(record)

    def emit(self, record):
        pass

    def flush(self):
        pass

    def close(self):
        pass


class NullHandler(Handler):
    pass


class StreamHandler(Handler):
    def __init__(self, stream=None):
        Handler.__init__(self)
        self.stream = stream or sys.stderr

    def emit(self, record):
        self.stream.write(self.format(record) + "\n")


class Logger:
    def __init__(self, name, parent):
        self.name = name
        self.level = NOTSET
        self.parent = parent
        self.handlers = []
        self.propagate = True
        self.disabled = False

    def setLevel(self, level):
        self.level = _level(level)

    def getEffectiveLevel(self):
        logger = self
        while logger is not None:
            if logger.level:
                return logger.level
            logger = logger.parent
        return NOTSET

    def isEnabledFor(self, level):
        return not self.disabled and level > _state["disabled"] and level >= self.getEffectiveLevel()

    def addHandler(self, handler):
        if handler not in self.handlers:
            self.handlers.append(handler)

    def removeHandler(self, handler):
        if handler in self.handlers:
            self.handlers.remove(handler)

    def hasHandlers(self):
        logger = self
        while logger is not None:
            if logger.handlers:
                return True
            logger = logger.parent if logger.propagate else None
        return False

    def getChild(self, suffix):
        return getLogger(suffix if self.name == "root" else self.name + "." + suffix)

    def log(self, level, msg, *args, exc_info=None, stack_info=False, stacklevel=1, extra=None):
        if not self.isEnabledFor(level):
            return
        if exc_info and not isinstance(exc_info, BaseException):
            exc_info = exc_info[1] if isinstance(exc_info, tuple) else sys.exception()
        record = LogRecord(self.name, level, msg, args, exc_info or None)
        if extra:
            record.__dict__.update(extra)
        logger, found = self, False
        while logger is not None:
            for handler in logger.handlers:
                found = True
                handler.handle(record)
            logger = logger.parent if logger.propagate else None
        if not found and level >= WARNING:
            sys.stderr.write(Formatter().format(record) + "\n")

    def debug(self, msg, *args, **kwargs):
        self.log(DEBUG, msg, *args, **kwargs)

    def info(self, msg, *args, **kwargs):
        self.log(INFO, msg, *args, **kwargs)

    def warning(self, msg, *args, **kwargs):
        self.log(WARNING, msg, *args, **kwargs)

    warn = warning

    def error(self, msg, *args, **kwargs):
        self.log(ERROR, msg, *args, **kwargs)

    def exception(self, msg, *args, exc_info=True, **kwargs):
        self.log(ERROR, msg, *args, exc_info=exc_info, **kwargs)

    def critical(self, msg, *args, **kwargs):
        self.log(CRITICAL, msg, *args, **kwargs)

    fatal = critical


_root = Logger("root", None)
_root.level = WARNING
_state.update(root=_root, loggers={}, disabled=NOTSET)


def getLogger(name=None):
    if not name or name == "root":
        return _state["root"]
    if not isinstance(name, str):
        raise TypeError("A logger name must be a string")
    known = _state["loggers"]
    if name not in known:
        known[name] = Logger(name, getLogger(name.rpartition(".")[0]))
    return known[name]


def basicConfig(*, level=None, format=None, datefmt=None, style="%", stream=None, handlers=None,
                force=False, **unused):
    if "filename" in unused:
        raise ValueError("a policy cannot log to a file; its output is kept with the run")
    root = _state["root"]
    if force:
        root.handlers.clear()
    if not root.handlers:
        formatter = Formatter(format or BASIC_FORMAT, datefmt, style)
        for handler in handlers or [StreamHandler(stream)]:
            if handler.formatter is None:
                handler.setFormatter(formatter)
            root.addHandler(handler)
    if level is not None:
        root.setLevel(level)


def disable(level=CRITICAL):
    _state["disabled"] = _level(level)


def log(level, msg, *args, **kwargs):
    if not _state["root"].handlers:
        basicConfig()
    _state["root"].log(level, msg, *args, **kwargs)


def debug(msg, *args, **kwargs):
    log(DEBUG, msg, *args, **kwargs)


def info(msg, *args, **kwargs):
    log(INFO, msg, *args, **kwargs)


def warning(msg, *args, **kwargs):
    log(WARNING, msg, *args, **kwargs)


warn = warning


def error(msg, *args, **kwargs):
    log(ERROR, msg, *args, **kwargs)


def exception(msg, *args, exc_info=True, **kwargs):
    log(ERROR, msg, *args, exc_info=exc_info, **kwargs)


def critical(msg, *args, **kwargs):
    log(CRITICAL, msg, *args, **kwargs)


fatal = critical

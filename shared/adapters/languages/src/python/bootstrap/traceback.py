"""A shim of `traceback` for policies: exceptions as text."""

import sys


def _line(entry):
    code = entry.tb_frame.f_code
    return f'  File "{code.co_filename}", line {entry.tb_lineno}, in {code.co_name}\n'


def format_tb(tb, limit=None):
    lines = []
    while tb is not None and (limit is None or len(lines) < limit):
        lines.append(_line(tb))
        tb = tb.tb_next
    return lines


def format_exception_only(exc, value=None, /):
    exc = value if isinstance(value, BaseException) else exc
    if exc is None:
        return ["NoneType: None\n"]
    kind = type(exc)
    name = kind.__qualname__
    if kind.__module__ not in ("builtins", "policy", "__main__"):
        name = f"{kind.__module__}.{name}"
    text = str(exc)
    return [f"{name}: {text}\n" if text else f"{name}\n"]


def format_exception(exc, value=None, tb=None, limit=None, chain=True):
    exc = value if isinstance(value, BaseException) else exc
    if exc is None:
        return ["NoneType: None\n"]
    lines = []
    if chain and exc.__cause__ is not None:
        lines += format_exception(exc.__cause__, limit=limit)
        lines.append("\nThe above exception was the direct cause of the following exception:\n\n")
    elif chain and exc.__context__ is not None and not exc.__suppress_context__:
        lines += format_exception(exc.__context__, limit=limit)
        lines.append("\nDuring handling of the above exception, another exception occurred:\n\n")
    if exc.__traceback__ is not None:
        lines.append("Traceback (most recent call last):\n")
        lines += format_tb(exc.__traceback__, limit)
    return lines + format_exception_only(exc)


def format_exc(limit=None, chain=True):
    return "".join(format_exception(sys.exception(), limit=limit, chain=chain))


def print_exception(exc, value=None, tb=None, limit=None, file=None, chain=True):
    (file or sys.stderr).write("".join(format_exception(exc, value, tb, limit, chain)))


def print_exc(limit=None, file=None, chain=True):
    print_exception(sys.exception(), limit=limit, file=file, chain=chain)

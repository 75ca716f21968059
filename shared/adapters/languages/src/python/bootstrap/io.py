"""A shim of `io` for policies: streams in memory."""

import _io

DEFAULT_BUFFER_SIZE = 8192
SEEK_SET, SEEK_CUR, SEEK_END = 0, 1, 2


class UnsupportedOperation(OSError, ValueError):
    pass


def open(*args, **kwargs):
    raise UnsupportedOperation("a policy cannot open files; pass the data in input_data or parameters")


open_code = open
StringIO = _io.StringIO
BytesIO = _io.BytesIO
for _name in (
    "BlockingIOError", "BufferedIOBase", "BufferedRWPair", "BufferedRandom", "BufferedReader",
    "BufferedWriter", "IncrementalNewlineDecoder", "IOBase", "RawIOBase", "TextIOBase", "TextIOWrapper",
    "text_encoding",
):
    _found = getattr(_io, _name, None) or getattr(_io, "_" + _name, None)
    if _found is not None:
        globals()[_name] = _found

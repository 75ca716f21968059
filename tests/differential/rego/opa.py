"""OPA 1.20.2 in this process, with OPA's default for errors of builtins: undefined."""

from __future__ import annotations

import ctypes
import json
from decimal import Decimal
from pathlib import Path

_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_uint64, ctypes.c_char_p, ctypes.c_char_p)
_MARK = "oracle.mark"


class OpaError(Exception):
    """A refusal or a failure, with OPA's code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Opa:
    """The library, loaded once.

    The library evaluates strictly: where a builtin failed, it gives that error in place of the result. It
    gives it after the evaluation, though, which went on as OPA's default has it. So each query hands what it
    finds to a builtin of this class, and what was handed over counts.
    """

    def __init__(self, folder: Path) -> None:
        self.library = ctypes.CDLL(str(folder / "opa_bindings" / "libopabridge.so"))
        self.malloc = ctypes.CDLL(None).malloc
        self.malloc.restype, self.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
        handle, text = ctypes.c_uint64, ctypes.c_char_p
        self._declare("OpaNew", handle)
        self._declare("OpaDestroy", None, handle)
        self._declare("OpaFreeString", None, ctypes.c_void_p)
        self._declare("OpaAddPolicy", ctypes.c_void_p, handle, text, text)
        self._declare("OpaAddData", ctypes.c_void_p, handle, text, text)
        self._declare("OpaRegisterBuiltin", ctypes.c_void_p, handle, text, ctypes.c_int, _CALLBACK)
        self._declare("OpaEvalQuery", ctypes.c_void_p, handle, text, text, ctypes.c_int, ctypes.c_int)
        self.marks: dict[str, list] = {}
        self.callback = _CALLBACK(self._mark)

    def _declare(self, name: str, result, *arguments) -> None:
        function = getattr(self.library, name)
        function.restype, function.argtypes = result, list(arguments)

    def _mark(self, _handle: int, _name: bytes, arguments: bytes) -> int:
        key, values = json.loads(arguments, parse_float=Decimal)
        self.marks.setdefault(key, values)
        reply = b'{"result": true}\0'
        buffer = self.malloc(len(reply))
        ctypes.memmove(buffer, reply, len(reply))
        return buffer

    def call(self, function: str, *arguments) -> dict:
        """One call; raises what the library says in its place."""
        pointer = getattr(self.library, function)(*arguments)
        try:
            answer = json.loads(ctypes.string_at(pointer))
        finally:
            self.library.OpaFreeString(pointer)
        error = answer.get("error")
        if error:
            raise OpaError(error.get("code", "unknown"), error.get("message", ""))
        return answer


class Engine:
    """Modules and documents, checked together."""

    def __init__(self, opa: Opa, modules: dict[str, str], data: object) -> None:
        self.opa = opa
        self.handle = opa.library.OpaNew()
        try:
            opa.call("OpaRegisterBuiltin", self.handle, _MARK.encode(), 2, opa.callback)
            for name, text in modules.items():
                opa.call("OpaAddPolicy", self.handle, name.encode(), text.encode())
            opa.call("OpaAddData", self.handle, b"", _json(data))
        except OpaError:
            self.close()
            raise

    def close(self) -> None:
        self.opa.library.OpaDestroy(self.handle)

    def answers(self, paths: list[str], document: object) -> dict[str, object]:
        """The answer of each path: a value in a list, an empty list for undefined, or an error."""
        found = self._query(paths, document)
        if isinstance(found, OpaError):
            # One of them has two values: which one shows when each is asked alone.
            found = {path: self._alone(path, document) for path in paths} if len(paths) > 1 else \
                {path: found for path in paths}
        return found

    def _alone(self, path: str, document: object) -> object:
        found = self._query([path], document)
        return found if isinstance(found, OpaError) else found[path]

    def _query(self, paths: list[str], document: object) -> dict[str, object] | OpaError:
        query = "; ".join(f'{_MARK}("{path}", [value | value := {path}])' for path in paths)
        self.opa.marks = {}
        error = None
        try:
            self.opa.call("OpaEvalQuery", self.handle, query.encode(), _json(document), 0, 0)
        except OpaError as raised:
            error = raised
        if all(path in self.opa.marks for path in paths):
            return self.opa.marks
        return error or OpaError("unknown", "no mark and no error")


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()

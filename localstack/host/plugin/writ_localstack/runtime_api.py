"""The Lambda Runtime API for one function process: `next`, `response`, `error`, `init/error`.

Paths and headers: "Using the Lambda runtime API" in the AWS Lambda developer guide. A process has
at most one invocation at a time, as on AWS.
"""

from __future__ import annotations

import json
import queue
import re
import sys
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOST = "127.0.0.1"

_NEXT = "/2018-06-01/runtime/invocation/next"
_INIT_ERROR = "/2018-06-01/runtime/init/error"
_RESULT = re.compile(r"^/2018-06-01/runtime/invocation/([^/]+)/(response|error)$")
# How often a waiting `next` looks whether the server is to end.
_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Call:
    """One invocation as the process gets it."""

    request_id: str
    payload: bytes
    deadline_ms: int
    function_arn: str
    trace_id: str


@dataclass(frozen=True)
class Answer:
    """What the process made of it."""

    payload: bytes
    is_error: bool


class RuntimeApi:
    """Serves one process on a port of its own."""

    def __init__(self) -> None:
        self._calls: queue.Queue[Call] = queue.Queue()
        self._answers: dict[str, queue.Queue[Answer]] = {}
        self._closed = threading.Event()
        self.ready = threading.Event()
        """Set by the first `next`, or by an error before it."""
        self.init_error: bytes | None = None
        self._server = _Server((HOST, 0), _handler_for(self))
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": _POLL_SECONDS},
                         daemon=True).start()

    @property
    def address(self) -> str:
        """The value of AWS_LAMBDA_RUNTIME_API."""
        return f"{HOST}:{self._server.server_address[1]}"

    def submit(self, call: Call) -> queue.Queue[Answer]:
        """Hands a call to the process; the answer appears in the returned queue."""
        answers = self._answers[call.request_id] = queue.Queue()
        self._calls.put(call)
        return answers

    def close(self) -> None:
        """Ends the server; a process that still asks is told to go."""
        self._closed.set()
        self.ready.set()
        self._server.shutdown()
        self._server.server_close()

    def next_call(self) -> Call | None:
        """Waits for a call; nothing once the server is closed."""
        self.ready.set()
        while not self._closed.is_set():
            try:
                return self._calls.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
        return None

    def accept(self, request_id: str, answer: Answer) -> bool:
        """False for an answer to nothing that is asked: a duplicate, or one that came too late."""
        waiting = self._answers.pop(request_id, None)
        if waiting is None:
            return False
        waiting.put(answer)
        return True

    def fail_init(self, error: bytes) -> None:
        """The process could not start and said why."""
        self.init_error = error
        self.ready.set()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A process that ends while it is answered is an ordinary event."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _handler_for(api: RuntimeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body are two writes: else the second waits 40 ms for an acknowledgement.
        disable_nagle_algorithm = True

        def log_message(self, format: str, *arguments: object) -> None:
            """The functions' own output is the log."""

        def do_GET(self) -> None:
            if self.path != _NEXT:
                return self._reply(404)
            call = api.next_call()
            if call is None:
                return self._reply(410)
            return self._reply(200, call.payload, {
                "Lambda-Runtime-Aws-Request-Id": call.request_id,
                "Lambda-Runtime-Deadline-Ms": str(call.deadline_ms),
                "Lambda-Runtime-Invoked-Function-Arn": call.function_arn,
                "Lambda-Runtime-Trace-Id": call.trace_id,
            })

        def do_POST(self) -> None:
            body = self._body()
            result = _RESULT.match(self.path)
            if self.path == _INIT_ERROR:
                api.fail_init(body)
                return self._reply(202)
            if not result:
                return self._reply(404)
            if not api.accept(result[1], Answer(body, is_error=result[2] == "error")):
                refusal = {"errorMessage": "Invalid request ID", "errorType": "InvalidRequestID"}
                return self._reply(400, json.dumps(refusal).encode())
            return self._reply(202)

        def _body(self) -> bytes:
            if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            # Trailers, up to the empty line.
            while self.rfile.readline().strip():
                pass
            return body

        def _reply(self, status: int, body: bytes = b"",
                   headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler

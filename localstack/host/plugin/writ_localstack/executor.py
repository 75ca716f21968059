"""One execution environment: a function's `bootstrap` as a process, kept between invocations."""

from __future__ import annotations

import collections
import errno
import json
import os
import queue
import subprocess
import threading
import time
from pathlib import Path

from localstack.services.lambda_.invocation.executor_endpoint import StatusErrorException
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localstack.services.lambda_.invocation.runtime_executor import (
    LambdaRuntimeException,
    RuntimeExecutor,
)

from .runtime_api import HOST, Answer, Call, RuntimeApi

# Of the host's environment a function sees this much; WRIT_EMULATOR lets `stop` find it.
_INHERITED = ("PATH", "HOME", "TMPDIR", "WRIT_EMULATOR")
_LOG_LINES_KEPT = 10_000
_POLL_SECONDS = 0.02
_BUSY_TRIES = 50


class ProcessRuntimeExecutor(RuntimeExecutor):
    """LocalStack makes one of these for each environment, and calls it from several threads."""

    def __init__(self, id: str, function_version: FunctionVersion) -> None:
        super().__init__(id=id, function_version=function_version)
        self._api: RuntimeApi | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._variables: dict[str, str] = {}
        self._lines: collections.deque[str] = collections.deque(maxlen=_LOG_LINES_KEPT)

    def start(self, env_vars: dict[str, str]) -> None:
        """Starts the process and returns when it asks for its first invocation.

        LocalStack has a timer of its own for this and calls `stop` when it is over.
        """
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        given = {name: str(value) for name, value in env_vars.items()}
        self._variables = {**inherited, **given, "LAMBDA_TASK_ROOT": str(self._code())}
        self._spawn()

    def stop(self) -> None:
        """Ends the process; a running invocation fails."""
        process, self._process = self._process, None
        api, self._api = self._api, None
        if process is not None:
            process.kill()
            process.wait()
        if api is not None:
            api.close()

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        """Runs one invocation within the function's timeout."""
        if self._process is None or self._process.poll() is not None:
            # Ended by a timeout or by itself: AWS starts a new one for the next event.
            self.stop()
            self._spawn()
        assert self._api is not None
        seconds = self.function_version.config.timeout
        self._lines.clear()
        call = Call(payload["invoke-id"], payload["payload"].encode(),
                    int((time.time() + seconds) * 1000), payload["invoked-function-arn"],
                    payload["trace-id"])
        answer = self._answer(self._api.submit(call), call.request_id, seconds)
        return InvocationResult(request_id=call.request_id, payload=answer.payload,
                                is_error=answer.is_error, logs=self._log_of(call.request_id))

    def get_address(self) -> str:
        """Where the process is."""
        return HOST

    def get_endpoint_from_executor(self) -> str:
        """Where a process finds LocalStack."""
        return HOST

    def get_runtime_endpoint(self) -> str:
        """For LocalStack's own init program, which does not take part here."""
        return f"http://{HOST}"

    def get_logs(self) -> str:
        """What the process printed since its last invocation began."""
        return "\n".join(list(self._lines))

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        """Unpacks the code."""
        function_version.config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        """Removes it."""
        function_version.config.code.destroy_cached()

    def _code(self) -> Path:
        return self.function_version.config.code.get_unzipped_code_location()

    def _spawn(self) -> None:
        api = self._api = RuntimeApi()
        variables = {**self._variables, "AWS_LAMBDA_RUNTIME_API": api.address}
        process = self._process = _started(self._code(), variables)
        threading.Thread(target=self._read, args=(process,), daemon=True).start()
        while not api.ready.wait(_POLL_SECONDS):
            if process.poll() is not None:
                error = {"errorType": "Runtime.ExitError",
                         "errorMessage": f"`bootstrap` ended with {process.returncode} before it"
                                         f" asked for an event: {self.get_logs()}"}
                raise StatusErrorException("`bootstrap` ended", json.dumps(error).encode())
        if api.init_error is not None:
            # This one becomes the invocation's result, as on AWS.
            raise StatusErrorException("`bootstrap` failed before its first event", api.init_error)

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        """Drains the output all the time: a full pipe would stop the process."""
        assert process.stdout is not None
        for line in process.stdout:
            self._lines.append(line.decode(errors="replace").rstrip("\n"))

    def _answer(self, answers: queue.Queue[Answer], request_id: str, seconds: float) -> Answer:
        process, deadline = self._process, time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                return answers.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                pass
            if process is None or process.poll() is not None:
                return _error(answers, "Runtime.ExitError",
                              f"RequestId: {request_id} Error: Runtime exited without a reply")
        if process is not None:
            process.kill()
            # Until it is gone the next event would be given to it.
            process.wait()
        return _error(answers, "Sandbox.Timedout",
                      f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds")

    def _log_of(self, request_id: str) -> str:
        lines = [f"START RequestId: {request_id} Version: {self.function_version.id.qualifier}",
                 *list(self._lines), f"END RequestId: {request_id}"]
        return "\n".join(lines) + "\n"


def _error(answers: queue.Queue[Answer], kind: str, message: str) -> Answer:
    """The error, unless the answer arrived in the last moment."""
    try:
        return answers.get_nowait()
    except queue.Empty:
        payload = json.dumps({"errorType": kind, "errorMessage": message}).encode()
        return Answer(payload, is_error=True)


def _started(code: Path, variables: dict[str, str]) -> subprocess.Popen[bytes]:
    """Starts `bootstrap`.

    Another function's start may hold, between its fork and its exec, the descriptor with which
    this program was just written: the kernel then calls it busy for some milliseconds.
    """
    for left in reversed(range(_BUSY_TRIES)):
        try:
            return subprocess.Popen([str(code / "bootstrap")], cwd=code, env=variables,
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT)
        except OSError as error:
            if error.errno != errno.ETXTBSY or left == 0:
                raise LambdaRuntimeException(f"cannot start `bootstrap`: {error}") from error
            time.sleep(_POLL_SECONDS)
    raise LambdaRuntimeException("cannot start `bootstrap`: its file is busy")

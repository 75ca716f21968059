"""One emulator on this machine: its port, its state folder, its start and its end."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from . import cache, processes
from .failure import Failure, say

HOST = "127.0.0.1"
REGION = "us-east-1"
# Both emulators take this pair for the account's root.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}

_POLL_SECONDS = 0.1
_LOG_LINES_SHOWN = 30


@dataclass(frozen=True)
class Emulator:
    """Which emulator, and where."""

    name: str
    port: int
    health_path: str
    start_seconds: float

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{HOST}:{self.port}"

    @property
    def state(self) -> Path:
        """Everything that it writes; gone after `stop`."""
        return cache.folder() / f"{self.name}-{self.port}"

    @property
    def log(self) -> Path:
        """What it and its functions print."""
        return self.state / "log"

    def client_environment(self) -> dict[str, str]:
        """What an AWS client needs in its environment to talk to this emulator and no other."""
        return {"AWS_ENDPOINT_URL": self.url, "AWS_DEFAULT_REGION": REGION, "AWS_REGION": REGION,
                **CREDENTIALS}

    def start(self, command: list[str], variables: dict[str, str]) -> None:
        """Starts it in an environment of its own and waits until it answers.

        Nothing of the caller's environment is passed on: functions inherit the emulator's, and
        what they find there by accident they would miss on AWS.
        """
        self._refuse_taken_port()
        shutil.rmtree(self.state, ignore_errors=True)
        home, temporary = self.state / "home", self.state / "tmp"
        home.mkdir(parents=True)
        temporary.mkdir()
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(home), "TMPDIR": str(temporary),
                       **variables, processes.MARK: str(self.state)}
        with self.log.open("wb") as log:
            # A session of its own: Ctrl-C is for the command, which then stops the emulator.
            process = subprocess.Popen(command, env=environment, cwd=self.state, stdout=log,
                                       stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                       start_new_session=True)
        (self.state / "pid").write_text(str(process.pid))
        try:
            self._wait_until_healthy(process)
        except BaseException:
            self.stop()
            raise
        say(f"{self.name} serves on {self.url}, its log is {self.log}")

    def stop(self) -> None:
        """Ends it with all its functions and removes its state. Not running is no error."""
        pid = self.state / "pid"
        first = int(pid.read_text()) if pid.exists() else None
        ended = processes.end(self.state, first)
        shutil.rmtree(self.state, ignore_errors=True)
        if ended:
            say(f"{self.name} on port {self.port} is stopped ({ended} processes)")
        else:
            say(f"{self.name} on port {self.port} was not running")

    def require_running(self) -> None:
        """A clear message instead of a client's connection error."""
        if not self._is_healthy():
            raise Failure(f"no {self.name} answers on {self.url}: start it first"
                          f" (`start --port {self.port}`)")

    def _refuse_taken_port(self) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, self.port))
            except OSError as error:
                raise Failure(f"cannot listen on {HOST}:{self.port} ({error.strerror}):"
                              f" {self._holder()}") from error

    def _holder(self) -> str:
        """Who has the port, as far as it is one of ours."""
        for pid, state in sorted(processes.marked().items()):
            if state.endswith(f"-{self.port}"):
                name = Path(state).name.removesuffix(f"-{self.port}")
                return (f"{name} runs there as process {pid} with its state in {state};"
                        f" `stop --port {self.port}` ends it")
        return "it belongs to another program; choose another with `--port` (0 takes a free one)"

    def _wait_until_healthy(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + self.start_seconds
        while not self._is_healthy():
            if process.poll() is not None:
                raise Failure(f"{self.name} ended with {process.returncode}\n{self._log_end()}")
            if time.monotonic() > deadline:
                raise Failure(f"{self.name} does not answer after {self.start_seconds:.0f} s\n"
                              f"{self._log_end()}")
            time.sleep(_POLL_SECONDS)

    def _is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(self.url + self.health_path, timeout=5) as reply:
                return reply.status == 200
        except (OSError, urllib.error.URLError):
            return False

    def _log_end(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-_LOG_LINES_SHOWN:])


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def chosen_port(wanted: int) -> int:
    """0 means any free one, as everywhere."""
    return wanted or free_port()


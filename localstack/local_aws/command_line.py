"""The commands of `ministack/run` and `host/run`."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import cache, deployment, suite
from .deployment import Stack
from .emulator import Emulator, chosen_port
from .failure import Failure, exit_code_of, say
from .kind import Kind

# The template's names for its functions begin like this unless a parameter says otherwise.
_PREFIX = "writ-dev-"
_BUILD = cache.ROOT / "infra" / "build"
_PROBE = cache.ROOT / "infra" / "probe"


def main(usage: str, kind: Kind) -> int:
    """Runs the command that the arguments name and returns the exit code."""
    options = _parser(usage).parse_args()
    emulator = kind.make(chosen_port(options.port))
    command = _Command(kind, emulator, options)
    return exit_code_of(getattr(command, options.command))


def _parser(usage: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=usage, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command",
                        choices=["up", "test", "start", "deploy", "token", "env", "stop"])
    parser.add_argument("--port", type=int, default=4566, help="0 takes a free one (default: 4566)")
    parser.add_argument("--template", type=Path, default=cache.ROOT / "infra" / "template.yaml")
    parser.add_argument("--stack-name", default="writ")
    parser.add_argument("--parameter", action="append", default=[], metavar="NAME=VALUE",
                        help="a parameter of the template, as often as needed")
    parser.add_argument("--prefix", default=_PREFIX,
                        help="how the functions' names begin (default: %(default)s)")
    parser.add_argument("--event", type=Path, help="what `PREFIXtoken-create` is called with",
                        default=cache.ROOT / "localstack" / "events" / "first-token.json")
    parser.add_argument("--no-build", action="store_true",
                        help="`up` and `test` take the programs that are there")
    return parser


class _Command:
    """Each method is a command; results go to standard output, everything else to the other."""

    def __init__(self, kind: Kind, emulator: Emulator,
                 options: argparse.Namespace) -> None:
        self._kind = kind
        self._emulator = emulator
        self._options = options

    def start(self) -> int:
        """Prints the emulator's URL."""
        self._kind.start(self._emulator)
        return _result(self._emulator.url)

    def deploy(self) -> int:
        """Prints the API's URL."""
        self._emulator.require_running()
        return _result(self._deploy())

    def token(self) -> int:
        """Prints the token."""
        self._emulator.require_running()
        return _result(self._token())

    def env(self) -> int:
        """Prints lines for a shell."""
        for name, value in self._emulator.client_environment().items():
            _result(f"export {name}={shlex.quote(value)}")
        return 0

    def stop(self) -> int:
        """Prints nothing."""
        self._emulator.stop()
        return 0

    def up(self) -> int:
        """Everything, until somebody ends it."""
        with self._running():
            url = self._deploy()
            # The names by which the command `writ` knows them.
            reach = {"WRIT_SERVER": url} if self._kind.has_http_api else {}
            for name, value in {**reach, "WRIT_TOKEN": self._token()}.items():
                _result(f"export {name}={shlex.quote(value)}")
            say("ready; Ctrl-C ends it")
            threading.Event().wait()
        return 0

    def test(self) -> int:
        """Everything, with the suite and the probe of permissions in the middle."""
        with self._running():
            code = suite.run(self._suite_variables())
            if code == 0 and self._kind.enforces_iam:
                code = self._probe()
            return code

    def _probe(self) -> int:
        environment = {**os.environ, **self._emulator.client_environment()}
        return subprocess.run([str(_PROBE), self._options.prefix], env=environment,
                              check=False).returncode

    def _deploy(self) -> str:
        options = self._options
        stack = Stack(options.template.resolve(), options.stack_name, options.parameter)
        return self._kind.deploy(self._emulator, stack)

    def _token(self) -> str:
        function = f"{self._options.prefix}token-create"
        return deployment.token(self._emulator, function, self._options.event.resolve())

    def _suite_variables(self) -> dict[str, str]:
        """Deploys, and says how the suite reaches what was deployed."""
        url = self._deploy()
        # The suite makes its workspaces' tokens in the tables.
        reach = {"WRIT_E2E_PREFIX": self._options.prefix, **self._emulator.client_environment()}
        if self._kind.has_http_api:
            return {"WRIT_E2E_TARGET": "http", "WRIT_E2E_URL": url, **reach}
        return {"WRIT_E2E_TARGET": "lambda", **reach}

    def _build(self) -> None:
        """Builds the functions' programs, unless that is not wanted."""
        if self._options.no_build:
            return
        done = subprocess.run([str(_BUILD)], stdout=sys.stderr, check=False)
        if done.returncode != 0:
            raise Failure(f"`{_BUILD}` ended with {done.returncode}")

    @contextmanager
    def _running(self) -> Iterator[None]:
        """The emulator while something is done with it; whatever happens, nothing is left."""
        self._build()
        self._kind.start(self._emulator)
        try:
            yield
        finally:
            self._emulator.stop()


def _result(line: str) -> int:
    print(line, flush=True)
    return 0

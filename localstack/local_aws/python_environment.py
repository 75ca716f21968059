"""Virtual environments with pinned contents, made once for each content."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import cache
from .failure import Failure, say

Version = tuple[int, int]

# The oldest and the newest interpreter for which the locked requirements were tried.
OLDEST: Version = (3, 10)
NEWEST: Version = (3, 13)

# A name on PATH may be a stub that starts nothing, or lack what makes environments: ask it.
_PROBE = "import sys, venv, ensurepip; print(*sys.version_info[:2])"


@dataclass(frozen=True)
class Requirements:
    """A set of packages: `name` for people and folders, `file` locked with hashes."""

    name: str
    file: Path
    oldest: Version = OLDEST
    newest: Version = NEWEST
    build: Path | None = None
    """Locked tools that packages without wheels need, installed first."""


def python_of(requirements: Requirements) -> Path:
    """The interpreter of the environment that holds exactly `requirements`, made if it is new.

    The folder is named for the file's digest, so that another checkout of the repository with
    other pins does not rebuild it under a running emulator.
    """
    digest = _digest(requirements)
    folder = cache.folder() / f"{requirements.name}-venv" / digest
    python = folder / "bin" / "python"
    complete = folder / "complete"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _held(folder.parent / "lock"):
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)
            _install(requirements, folder, python)
            complete.touch()
    return python


def _digest(requirements: Requirements) -> str:
    digest = hashlib.sha256(requirements.file.read_bytes())
    if requirements.build:
        digest.update(requirements.build.read_bytes())
    return digest.hexdigest()[:16]


def _install(requirements: Requirements, folder: Path, python: Path) -> None:
    base = _interpreter(requirements)
    say(f"installing {requirements.name} into {folder} (once)")
    _run([base, "-m", "venv", str(folder)])
    for file in (requirements.build, requirements.file):
        if file:
            _run([str(python), "-m", "pip", "install", *_PIP_OPTIONS, "--requirement", str(file)])


# The files list everything: resolving again could only find something else. They allow source
# packages by name, and the tools to build those are in `build`: pip would fetch them unpinned. Most
# modules are never imported: compiling them all takes longer than fetching them.
_PIP_OPTIONS = ("--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps",
                "--no-build-isolation", "--no-compile")


def _run(command: list[str]) -> None:
    done = subprocess.run(command, stdout=sys.stderr, check=False)
    if done.returncode != 0:
        raise Failure(f"`{' '.join(command)}` ended with {done.returncode}")


def _interpreter(requirements: Requirements) -> str:
    """`WRIT_PYTHON`, else this interpreter, else the newest on PATH that fits."""
    chosen = os.environ.get("WRIT_PYTHON")
    oldest, newest = requirements.oldest, requirements.newest
    names = [f"python3.{minor}" for minor in range(newest[1], oldest[1] - 1, -1)]
    for candidate in [chosen] if chosen else [sys.executable, *names, "python3"]:
        path = shutil.which(candidate)
        version = _version(path) if path else None
        if path and version and oldest <= version <= newest:
            return path
    span = " to ".join(dict.fromkeys(f"{major}.{minor}" for major, minor in (oldest, newest)))
    raise Failure(f"{requirements.name} needs Python {span} with `venv`, and none was found"
                  f" {'in `WRIT_PYTHON`' if chosen else 'on PATH'}: install one, or name it in"
                  " `WRIT_PYTHON`")


def _version(python: str) -> Version | None:
    """The version of an interpreter that can make environments, else nothing."""
    asked = subprocess.run([python, "-c", _PROBE], capture_output=True, text=True, check=False)
    numbers = asked.stdout.split()
    if asked.returncode != 0 or len(numbers) != 2:
        return None
    return int(numbers[0]), int(numbers[1])


@contextmanager
def _held(lock: Path) -> Iterator[None]:
    """Two commands started at once must not install into one folder."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield

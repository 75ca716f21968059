"""Finding and ending the processes of an emulator, functions included.

An emulator's whole environment is inherited by what it starts, so one variable marks everything
that belongs to it. A function may clear the environment of its own children (the engine's workers
do): those are found as descendants. Linux only, like the functions themselves.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

MARK = "WRIT_EMULATOR"
"""Names the state folder of the emulator that a process belongs to."""

_GRACE_SECONDS = 5.0
_POLL_SECONDS = 0.05


def marked() -> dict[int, str]:
    """Every living process of this user that has the mark, and the state folder it names."""
    prefix = f"{MARK}=".encode()
    found = {}
    for pid in _all():
        for variable in _read(pid, "environ").split(b"\0"):
            if variable.startswith(prefix):
                found[pid] = variable[len(prefix):].decode(errors="replace")
    return found


def of(state: Path) -> set[int]:
    """The processes of the emulator whose state is in `state`, and their descendants."""
    mine = {pid for pid, owner in marked().items() if owner == str(state)}
    parents = {pid: _parent(pid) for pid in _all()}
    while True:
        children = {pid for pid, parent in parents.items() if parent in mine} - mine
        if not children:
            return mine
        mine |= children


def end(state: Path, first: int | None = None) -> int:
    """Ends everything of an emulator and returns how many processes that were.

    `first` is asked politely and given time to end its own; the rest is killed. Processes that
    appear meanwhile are found in the next round.
    """
    ended = of(state)
    if first is not None and first in ended:
        _signal(first, signal.SIGTERM)
        _wait_for_end(first, state)
    while left := of(state):
        ended |= left
        for pid in left:
            _signal(pid, signal.SIGKILL)
        time.sleep(_POLL_SECONDS)
    return len(ended)


def _wait_for_end(pid: int, state: Path) -> None:
    deadline = time.monotonic() + _GRACE_SECONDS
    while pid in of(state) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)


def _signal(pid: int, which: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, which)


def _all() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _read(pid: int, name: str) -> bytes:
    """A file of `/proc/PID`; nothing when the process has gone or belongs to somebody else."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def _parent(pid: int) -> int:
    # The second field is the command in parentheses and may hold anything, parentheses too.
    fields = _read(pid, "stat").rpartition(b")")[2].split()
    return int(fields[1]) if len(fields) > 1 else 0

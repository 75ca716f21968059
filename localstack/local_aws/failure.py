"""How a command ends when it cannot do its work."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable


class Failure(Exception):
    """What went wrong and what to do about it, for the person at the terminal."""


def say(text: str) -> None:
    """Progress goes to standard error: standard output holds results that scripts read."""
    print(text, file=sys.stderr, flush=True)


def exit_code_of(command: Callable[[], int]) -> int:
    """Runs `command`; a failure is one line, and a termination cleans up like Ctrl-C does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return command()
    except Failure as failure:
        say(f"error: {failure}")
        return 1
    except KeyboardInterrupt:
        say("interrupted")
        return 130

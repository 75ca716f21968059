"""What the commands need to know about one kind of emulator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .deployment import Stack
from .emulator import Emulator


@dataclass(frozen=True)
class Kind:
    """How one kind of emulator is made, started and deployed to, and how the suite reaches it."""

    make: Callable[[int], Emulator]
    """The emulator on a port."""
    start: Callable[[Emulator], None]
    deploy: Callable[[Emulator, Stack], str]
    """Returns the URL that people call."""
    has_http_api: bool
    """Else the suite calls the functions themselves, with the events that a gateway would send."""
    enforces_iam: bool
    """Then `infra/probe` shows what each function may do."""

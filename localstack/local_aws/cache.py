"""The one folder that these tools write to."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The root of the repository."""


def folder() -> Path:
    """`WRIT_CACHE`, or `~/.cache/writ`."""
    chosen = os.environ.get("WRIT_CACHE")
    path = Path(chosen) if chosen else Path.home() / ".cache" / "writ"
    path.mkdir(parents=True, exist_ok=True)
    return path.resolve()

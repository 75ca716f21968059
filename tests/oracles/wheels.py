"""Reference implementations out of wheels: downloaded once, checked against their digests, unpacked.

They are for tests, never for the product. A wheel is not installed: each is one library that needs nothing
but CPython's ctypes, and it may demand another version of CPython than the machine's.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path


class Absent(Exception):
    """Why a reference implementation cannot run here."""


@dataclass(frozen=True)
class Wheel:
    """One pinned file. `python` is the version that the package index is asked for."""

    name: str
    version: str
    python: str
    platform: str
    sha256: str


OPA = Wheel("opa-golib-python-bindings", "0.4.4", "3.14", "manylinux_2_34_x86_64",
            "d411c901e14b8c7c3023e23e4a944f4cf429c1d31baf80e959e57d11efbfd24a")
"""OPA 1.20.2 itself."""


def folder(wheel: Wheel) -> Path:
    """The folder with the wheel's contents, under `WRIT_CACHE` or `~/.cache/writ`.

    Raises `Absent` where the wheel cannot be had or does not run.
    """
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise Absent(f"{wheel.name} has no pinned file for {sys.platform} on {platform.machine()}")
    root = Path(os.environ.get("WRIT_CACHE") or Path.home() / ".cache" / "writ") / "oracles"
    target = root / f"{wheel.name}-{wheel.version}-{wheel.sha256[:16]}"
    root.mkdir(parents=True, exist_ok=True)
    with (root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (target / "complete").exists():
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir()
            _download(wheel, target)
            (target / "complete").touch()
    return target


def _download(wheel: Wheel, target: Path) -> None:
    print(f"downloading {wheel.name} {wheel.version} (once)", file=sys.stderr)
    done = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
         "--only-binary=:all:", "--python-version", wheel.python, "--platform", wheel.platform,
         f"{wheel.name}=={wheel.version}", "--dest", str(target)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    files = list(target.glob("*.whl"))
    if done.returncode != 0 or len(files) != 1:
        reason = (done.stderr.strip().splitlines() or ["no reason"])[-1]
        raise Absent(f"{wheel.name} {wheel.version} could not be downloaded: {reason}")
    digest = hashlib.sha256(files[0].read_bytes()).hexdigest()
    if digest != wheel.sha256:
        raise Absent(f"{wheel.name} {wheel.version} has the digest {digest}, not {wheel.sha256}")
    with zipfile.ZipFile(files[0]) as archive:
        archive.extractall(target)
    files[0].unlink()

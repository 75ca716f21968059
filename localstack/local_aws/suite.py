"""Running the end-to-end suite against a deployed stack."""

from __future__ import annotations

import os
import shlex
import subprocess

from . import cache
from .failure import say

# Any program will do that takes its target from the environment.
_DEFAULT_COMMAND = "cargo test --workspace --locked --test e2e"


def run(variables: dict[str, str]) -> int:
    """Runs the suite in the caller's environment and `variables`, and returns its exit code.

    Its counts are repeated at the end, where somebody looks who runs more than this.
    """
    command = shlex.split(os.environ.get("WRIT_E2E_COMMAND", _DEFAULT_COMMAND))
    suite = subprocess.Popen(command, cwd=cache.ROOT, env={**os.environ, **variables},
                             stdout=subprocess.PIPE, text=True)
    assert suite.stdout is not None
    counts = []
    for line in suite.stdout:
        print(line, end="", flush=True)
        if line.startswith(("test result:", "skipped:")):
            counts.append(line.strip())
    code = suite.wait()
    say(f"suite `{shlex.join(command)}` ended with {code}")
    for line in counts:
        print(line)
    return code

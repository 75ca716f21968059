"""The configuration of Schemathesis, as text."""

from __future__ import annotations

import json

SEED = 20261201
EXAMPLES = 40
"""Cases per operation and phase at most; the seed and this number bound what a run costs."""

_TEMPLATE = """
seed = {seed}
workers = 1
continue-on-failure = true
request-timeout = 45
suppress-health-check = ["all"]

[warnings]
enabled = false

[generation]
max-examples = {examples}
database = "none"
# A header with a NUL is no header; hyper refuses it before there is a request.
allow-x00 = false

[checks]
# `hooks.py` has a stricter form of it: which refusals of documented data have a reason.
positive_data_acceptance.enabled = false
# The local admin needs no token, so a request without one is served.
ignored_auth.enabled = false
# A precondition is evaluated before the content, as RFC 9110, section 13.2.1, has it.
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 429]
"""


def text(seeds: dict[str, list[str]], seed: int, examples: int) -> str:
    """TOML. The names of what the server holds are half of the values of path parameters."""
    lines = [_TEMPLATE.format(seed=seed, examples=examples)]
    lines.append("[dictionaries]")
    lines += [f"{name} = {{ values = {json.dumps(values)} }}" for name, values in seeds.items()]
    # Replies that are held cost time and show nothing more.
    lines.append('wait = { values = ["0", "0s", "1"] }')
    lines.append("[parameters]")
    lines += [f'"path.{name}" = {{ dictionary = "{name}", probability = 0.5 }}' for name in seeds]
    lines.append('"query.wait" = { dictionary = "wait", probability = 0.9 }')
    return "\n".join(lines) + "\n"

"""Deploying a template to an emulator with `sam deploy`, and the URL that it then serves."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from . import cache
from .emulator import Emulator
from .failure import Failure, say
from .python_environment import Requirements, python_of

TOOLS = Requirements("deploy-tools", cache.ROOT / "localstack" / "tools" / "requirements.txt")

_CALL = Path(__file__).with_name("call.py")


@dataclass(frozen=True)
class Stack:
    """What to deploy, and under which name."""

    template: Path
    name: str
    parameters: list[str]


def deploy(emulator: Emulator, stack: Stack) -> str:
    """Creates or updates the stack and returns the URL of its API."""
    sam_deploy(emulator, stack)
    return api_url(emulator, stack.name)


def sam_deploy(emulator: Emulator, stack: Stack) -> None:
    """Creates or updates the stack. Deploying what is there already is no error."""
    if not stack.template.exists():
        raise Failure(f"there is no template `{stack.template}`")
    say(f"deploying {stack.template} to {emulator.url} as `{stack.name}`")
    done = subprocess.run(_sam_deploy_command(emulator, stack), env=tool_environment(emulator),
                          stdout=sys.stderr, check=False)
    if done.returncode != 0:
        raise Failure(f"`sam deploy` ended with {done.returncode}; the emulator's side of it is in"
                      f" {emulator.log}")


def _sam_deploy_command(emulator: Emulator, stack: Stack) -> list[str]:
    # An empty configuration: a `samconfig.toml` made by `sam deploy --guided` is for AWS.
    configuration = emulator.state / "samconfig.toml"
    configuration.write_text("version = 0.1\n")
    parameters = ["--parameter-overrides", *stack.parameters] if stack.parameters else []
    return [str(_tool("sam")), "deploy", "--template-file", str(stack.template),
            "--stack-name", stack.name, "--config-file", str(configuration), "--resolve-s3",
            "--capabilities", "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND",
            "--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar",
            *parameters]


def _tool(name: str) -> Path:
    return python_of(TOOLS).with_name(name)


def tool_environment(emulator: Emulator) -> dict[str, str]:
    """An environment in which no tool can find, let alone use, somebody's real AWS account."""
    return {"PATH": "/usr/bin:/bin", "HOME": str(emulator.state / "home"),
            "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
            "SAM_CLI_TELEMETRY": "0", "SAM_CLI_POLL_DELAY": "1",
            **emulator.client_environment()}


def api_url(emulator: Emulator, stack_name: str) -> str:
    """The API's URL by path.

    The output names a host below `localhost`, which not every resolver knows; the emulator takes
    the API's id in the path as well.
    """
    outputs = call(emulator, "outputs", stack_name)
    output = outputs.get("ApiUrl")
    if not output:
        raise Failure(f"stack `{stack_name}` has no output `ApiUrl`, only {sorted(outputs)}")
    host = urlsplit(output).hostname or ""
    api_id, _, rest = host.partition(".")
    if not rest.startswith("execute-api."):
        return output
    return f"{emulator.url}/_aws/execute-api/{api_id}/$default"


def call(emulator: Emulator, *arguments: str) -> dict[str, Any]:
    """Runs `call.py` in the tools' environment and returns the JSON that it prints."""
    # Isolated, else this folder's modules would come before Python's own.
    done = subprocess.run([str(python_of(TOOLS)), "-I", str(_CALL), *arguments],
                          env=tool_environment(emulator), stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise Failure(f"`{_CALL.name} {arguments[0]}` ended with {done.returncode}")
    return json.loads(done.stdout)


def token(emulator: Emulator, function: str, event: Path) -> str:
    """Invokes `function` with the event in a file and returns `data.token` of the reply's body."""
    if not event.exists():
        raise Failure(f"there is no event `{event}`")
    reply = call(emulator, "invoke", function, str(event))
    try:
        return json.loads(reply["body"])["data"]["token"]
    except (KeyError, TypeError, ValueError) as error:
        raise Failure(f"function `{function}` made no token: {json.dumps(reply)}") from error

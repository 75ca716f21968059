"""Calls AWS for the commands. Runs in the tools' environment, prints one JSON document.

    call.py outputs STACK            the outputs of a stack
    call.py invoke FUNCTION EVENT    a function's reply to the event in a file
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import boto3


def outputs(stack: str) -> dict[str, str]:
    """The outputs of a stack by key."""
    described = boto3.client("cloudformation").describe_stacks(StackName=stack)
    return {output["OutputKey"]: output["OutputValue"]
            for output in described["Stacks"][0].get("Outputs", [])}


def invoke(function: str, event_file: str) -> dict[str, Any]:
    """A function's reply; a function that failed ends the program with what it said."""
    reply = boto3.client("lambda").invoke(
        FunctionName=function, Payload=Path(event_file).read_bytes())
    payload = reply["Payload"].read().decode()
    if "FunctionError" in reply:
        sys.exit(f"function `{function}` failed: {payload}")
    return json.loads(payload)


def main(arguments: list[str]) -> None:
    """Runs the named call."""
    calls = {"outputs": outputs, "invoke": invoke}
    name, *rest = arguments
    json.dump(calls[name](*rest), sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])

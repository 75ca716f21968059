"""Checks of our own, which Schemathesis calls for each reply."""

from __future__ import annotations

import json
import re

import schemathesis
from schemathesis.core.failures import Failure

# The places of a request where a value can be wrong although it fits the document, because what is
# wrong is what it means. A refusal at any other place is a constraint that the document lacks.
BY_MEANING = {
    "header `Idempotency-Key`": "the key was used with another request",
    "next_token": "the token is none that a page gave, or one of another query",
    "query parameter `sort`": "the JSON form, doubles, and paths within paths",
    "query parameter `projection`": "the JSON form, doubles, and paths within paths",
}
BODIES_BY_MEANING = {
    "Filter": "operators and their operands",
    "PolicyUpdate": "code compiles, schemas are schemas, operators fit what is stored",
    "NewPolicyRule": "code compiles, schemas are schemas",
    "PlanRequest": "as NewPolicyRule",
    "NewJob": "times ahead, URLs that may be called",
    "NewSchedule": "expressions, zones, ends after starts, names that are kept",
    "ScheduleUpdate": "as NewSchedule",
}
# 412 is about what is stored; 422 is what a policy, its schema or its code says.
BY_MEANING_STATUSES = {401, 403, 404, 409, 412, 422, 429}


@schemathesis.check
def documented_data_is_taken(ctx, response, case) -> None:
    """What fits the document is served, or refused for what it means."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    # Schemathesis 4.32.5 calls a case positive whose template has a header `0` for a pattern.
    if not headers_fit(case):
        return
    status = response.status_code
    if status < 400 or status >= 500 or status in BY_MEANING_STATUSES:
        return
    problem = problem_of(response)
    place = problem.get("place", "")
    if any(place == known or place.startswith(f"{known}, ") for known in BY_MEANING):
        return
    if is_in_body(place) and body_schema(case) in BODIES_BY_MEANING:
        return
    raise Failure(operation=case.operation.label, title="Documented data was refused",
                  message=f"{status} at {place!r}: {problem.get('detail')}")


def headers_fit(case) -> bool:
    """Whether each header that the document knows is as its pattern has it."""
    patterns = {parameter["name"]: parameter["schema"].get("pattern", "")
                for parameter in case.operation.definition.raw.get("parameters", [])
                if parameter["in"] == "header"}
    return all(re.search(patterns.get(name, ""), str(value)) for name, value in case.headers.items())


def is_in_body(place: str) -> bool:
    return place == "" or place.startswith(("/", "line "))


def problem_of(response) -> dict:
    try:
        return json.loads(response.content)
    except ValueError:
        return {}


def body_schema(case) -> str:
    body = case.operation.definition.raw.get("requestBody", {})
    reference = body.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "")
    return reference.rsplit("/", 1)[-1]


@schemathesis.check
def replies_hold_documented_members_alone(ctx, response, case) -> None:
    """A member that the document lacks is one that its readers cannot know of."""
    definition = case.operation.responses.find_by_status_code(response.status_code)
    if definition is None or not response.content:
        return
    document = case.operation.schema.raw_schema
    contents = resolved(definition.definition, document).get("content", {})
    schemas = [content["schema"] for content in contents.values() if "schema" in content]
    unknown = sorted(undocumented(json.loads(response.content), schemas, document, ""))
    if unknown:
        raise Failure(operation=case.operation.label, title="Undocumented members of a reply",
                      message=f"{response.status_code}: {', '.join(unknown[:10])}")


def resolved(schema: dict, document: dict) -> dict:
    while "$ref" in schema and schema["$ref"].startswith("#/"):
        target = document
        for part in schema["$ref"][2:].split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        schema = target
    return schema


def parts_of(schema: dict, document: dict) -> list[dict]:
    """The schema and those that it combines."""
    schema = resolved(schema, document)
    parts = [schema]
    for combined in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(combined, []):
            parts += parts_of(part, document)
    return parts


def undocumented(value, schemas: list[dict], document: dict, path: str) -> set[str]:
    """JSON Pointers to members that no schema names; a schema without members admits all."""
    parts = [part for schema in schemas for part in parts_of(schema, document)]
    if isinstance(value, list):
        items = [part["items"] for part in parts if "items" in part]
        found = (undocumented(element, items, document, f"{path}/-") for element in value)
        return set().union(*found)
    if not isinstance(value, dict) or any(part.get("additionalProperties") for part in parts):
        return set()
    known: dict[str, list[dict]] = {}
    for part in parts:
        for name, member in part.get("properties", {}).items():
            known.setdefault(name, []).append(member)
    found = set()
    for name, member in value.items() if known else ():
        if name in known:
            found |= undocumented(member, known[name], document, f"{path}/{name}")
        else:
            found.add(f"{path}/{name}")
    return found


@schemathesis.check
class EveryOperationIsReached:
    """A check of refusals alone would hold nothing against most of the document."""

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self.succeeded: set[str] = set()

    def after_response(self, ctx, response, case) -> None:
        self.asked.add(case.operation.label)
        if response.status_code < 300:
            self.succeeded.add(case.operation.label)

    def after_run(self, ctx) -> None:
        missed = sorted(self.asked - self.succeeded)
        if missed:
            raise Failure(operation=None, title="Operations that never succeeded",
                          message=", ".join(missed))

"""Starts ministack with the mends that our template needs.

ministack 1.5.33 cannot deploy a SAM template with nested stacks as it comes, and it drops some
properties without a word. Each function below mends one thing and names the symptom. All of them
reach into ministack's insides, so another version is refused: look at each mend again, delete what
is no longer needed, then change `VERSION`.

Configuration is by environment variables alone (`run` sets them).
"""

from __future__ import annotations

import importlib.metadata
import logging
import socketserver
import sys
from collections.abc import Callable
from typing import Any

VERSION = "1.5.33"

log = logging.getLogger("writ.mends")

Properties = dict[str, Any]
AfterChange = Callable[[str, Properties], None]


def refuse_another_version() -> None:
    """The mends are true of one version only; on another they might break it quietly."""
    found = importlib.metadata.version("ministack")
    if found != VERSION:
        sys.exit(f"the mends in `launch.py` are for ministack {VERSION}, found {found}: "
                 "install `requirements.txt`, or look at every mend again")


def answer_without_delay() -> None:
    """Symptom in 1.5.33: a warm call takes 100 ms instead of 59.

    The Runtime API that it serves to functions writes headers and body in two small packets, and
    Nagle's algorithm holds the second one back for 40 ms, twice a call.
    """
    socketserver.StreamRequestHandler.disable_nagle_algorithm = True


def transform_nested_templates() -> None:
    """Symptom in 1.5.33: "Transform" in a nested template fails, unknown type AWS::Serverless::*.

    It applies SAM's transform to the top template only. The request handlers bound the original
    parser when they were imported; the code for nested stacks looks it up late and gets this one.
    """
    from ministack.services.cloudformation import engine

    parse = engine._parse_template

    def parse_and_transform(body: str) -> Properties:
        template = engine._apply_transforms(parse(body))
        if isinstance(template, engine._TransformFailed):
            raise ValueError(str(template))
        return template

    engine._parse_template = parse_and_transform


def remember_unchanged_attributes() -> None:
    """Symptom in 1.5.33: a second deploy of a nested stack fails with "Requested attribute Arn
    does not exist in schema".

    On an update of a nested stack the attributes of unchanged resources are lost: the caller does
    not pass the old ones on.
    """
    from ministack.services import cloudformation
    from ministack.services.cloudformation import provisioners

    update = provisioners._update_resource

    def update_resource(kind: str, physical_id: str, old: Properties, new: Properties,
                        stack: str, logical_id: str | None = None,
                        old_attributes: Properties | None = None) -> tuple[str, Properties]:
        if old_attributes is None:
            resources = (cloudformation._stacks.get(stack) or {}).get("_resources") or {}
            old_attributes = (resources.get(logical_id) or {}).get("Attributes")
        return update(kind, physical_id, old, new, stack, logical_id, old_attributes)

    provisioners._update_resource = update_resource


def _after(kind: str, change: AfterChange) -> None:
    """Calls `change(physical id, new properties)` after CloudFormation made or updated a `kind`."""
    from ministack.services.cloudformation import provisioners

    new_properties_at = {"create": 1, "update": 2}
    handlers = provisioners._RESOURCE_HANDLERS[kind]
    for operation, position in new_properties_at.items():
        original = handlers[operation]

        def changed(*args: Any, _original: Callable = original, _at: int = position,
                    **rest: Any) -> tuple[str, Properties]:
            physical_id, attributes = _original(*args, **rest)
            change(physical_id, args[_at])
            return physical_id, attributes

        handlers[operation] = changed


def _is_true(value: Any) -> bool:
    """Parameters arrive as text, literals of a template as booleans."""
    return str(value).lower() == "true"


def _require_ok(what: str, reply: tuple) -> None:
    """A service's own refusal must fail the stack, as it would on AWS."""
    status, _, body = reply
    if status >= 400:
        raise ValueError(f"{what}: {body!r}")


def keep_cors() -> None:
    """Symptom in 1.5.33: an HTTP API from CloudFormation answers no CORS preflight.

    The template's capitalised names are stored as they are; the gateway reads camel case.
    """
    from ministack.services.cloudformation import provisioners

    def typed(key: str, value: Any) -> Any:
        if key == "MaxAge":
            return int(value)
        return _is_true(value) if key == "AllowCredentials" else value

    def apply(api_id: str, properties: Properties) -> None:
        cors = properties.get("CorsConfiguration")
        if cors:
            provisioners._apigw_v2._apis[api_id]["corsConfiguration"] = {
                key[0].lower() + key[1:]: typed(key, value) for key, value in cors.items()}

    _after("AWS::ApiGatewayV2::Api", apply)


def keep_table_settings() -> None:
    """Symptom in 1.5.33: a table from CloudFormation has no TTL and no point-in-time recovery."""
    from ministack.services.cloudformation import provisioners

    tables = provisioners._dynamodb

    def apply(table: str, properties: Properties) -> None:
        ttl = properties.get("TimeToLiveSpecification")
        if ttl:
            _require_ok("TimeToLiveSpecification", tables._update_ttl({
                "TableName": table,
                "TimeToLiveSpecification": {**ttl, "Enabled": _is_true(ttl["Enabled"])}}))
        recovery = properties.get("PointInTimeRecoverySpecification")
        if recovery:
            enabled = _is_true(recovery.get("PointInTimeRecoveryEnabled"))
            _require_ok("PointInTimeRecoverySpecification", tables._update_continuous_backups({
                "TableName": table,
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": enabled}}))

    _after("AWS::DynamoDB::Table", apply)


def keep_function_settings() -> None:
    """Symptom in 1.5.33: functions from CloudFormation have no dead-letter queue and no reserved
    concurrency."""
    from ministack.services.cloudformation import provisioners

    def apply(function: str, properties: Properties) -> None:
        record = provisioners._lambda_svc._functions[function]
        if properties.get("DeadLetterConfig"):
            record["config"]["DeadLetterConfig"] = properties["DeadLetterConfig"]
        reserved = properties.get("ReservedConcurrentExecutions")
        record["concurrency"] = None if reserved is None else int(reserved)

    _after("AWS::Lambda::Function", apply)


def let_a_batch_be_what_one_is() -> None:
    """Symptom in 1.5.33: a function that may do `sqs:SendMessage` is denied `SendMessageBatch`.

    IAM knows no such action: SQS asks a batch for the permission of one. The caller looks the
    function up late and gets this one.
    """
    from ministack.core import iam_actions

    extract = iam_actions.extract_iam_action

    def extract_of_one(service: str, *request: Any) -> str | None:
        action = extract(service, *request)
        return action.removesuffix("Batch") if service == "sqs" and action else action

    iam_actions.extract_iam_action = extract_of_one


def count_in_numbers() -> None:
    """Symptom in 1.5.33: no message ever reaches a function, and the log says "ESM SQS poller
    error: '>=' not supported between instances of 'int' and 'str'".

    Numbers that a parameter gives an event source mapping stay text.
    """
    from ministack.services.cloudformation import provisioners

    def apply(mapping: str, properties: Properties) -> None:
        record = provisioners._lambda_svc._esms[mapping]
        if "BatchSize" in properties:
            record["BatchSize"] = int(properties["BatchSize"])
        scaling = properties.get("ScalingConfig")
        if scaling:
            record["ScalingConfig"] = {name: int(value) for name, value in scaling.items()}

    _after("AWS::Lambda::EventSourceMapping", apply)


def end_processes_of_deleted_functions() -> None:
    """Symptom in 1.5.33: after a function is deleted by CloudFormation its process runs on."""
    from ministack.services.cloudformation import provisioners

    handlers = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]
    delete = handlers["delete"]

    def delete_and_end(physical_id: str, *args: Any, **rest: Any) -> Any:
        try:
            provisioners._lambda_svc.invalidate_worker(physical_id)
        except Exception:  # a process that will not end must not keep its stack from going
            log.exception("the process of function `%s` did not end", physical_id)
        return delete(physical_id, *args, **rest)

    handlers["delete"] = delete_and_end


def main() -> None:
    """Applies the mends, in any order, and serves until a signal ends it."""
    refuse_another_version()
    answer_without_delay()
    transform_nested_templates()
    remember_unchanged_attributes()
    keep_cors()
    keep_table_settings()
    keep_function_settings()
    let_a_batch_be_what_one_is()
    count_in_numbers()
    end_processes_of_deleted_functions()

    from ministack.app import main as serve

    serve()


if __name__ == "__main__":
    main()

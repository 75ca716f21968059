"""Starts LocalStack on this machine itself, with the mends that it needs outside its image.

The mends reach into LocalStack's insides, so another version is refused. Configuration is by
environment variables alone (`run` sets them).
"""

from __future__ import annotations

import functools
import importlib.metadata
import os
import sys
from pathlib import Path
from typing import Any

VERSION = "2026.3.0"


def refuse_another_version() -> None:
    """The mends are true of one version only."""
    found = importlib.metadata.version("localstack-core")
    if found != VERSION:
        sys.exit(f"the mends in `launch.py` are for localstack-core {VERSION}, found {found}: "
                 "install `requirements.txt`, or look at every mend again")


def take_dynamodb_from(folder: Path, java: str) -> None:
    """Symptom in 2026.3.0: the first DynamoDB call fails, its server cannot be downloaded.

    It fetches DynamoDB Local, a Java runtime and an agent from places of its own. The server that
    was installed beside it and the machine's Java do as well; the agent only lifts the limit of 20
    indexes.
    """
    from localstack.services.dynamodb.server import DynamodbServer, _log_listener
    from localstack.utils.common import TMP_THREADS, ShellCommandThread

    def do_start_thread(server: DynamodbServer) -> ShellCommandThread:
        command = [java, *server._get_java_vm_options(), f"-Xmx{server.heap_size}",
                   f"-Djava.library.path={folder / 'DynamoDBLocal_lib'}",
                   "-jar", str(folder / "DynamoDBLocal.jar"),
                   "-port", str(server.port), "-inMemory"]
        thread = ShellCommandThread(command, strip_color=True, log_listener=_log_listener,
                                    auto_restart=True, name="dynamodb-local",
                                    env_vars={"DDB_LOCAL_TELEMETRY": "0"})
        TMP_THREADS.append(thread)
        thread.start()
        return thread

    DynamodbServer.do_start_thread = do_start_thread


def listen_on_loopback() -> None:
    """Symptom in 2026.3.0: it listens on every address, whatever GATEWAY_LISTEN says.

    The host of an IPv4 address is dropped on the way to the server.
    """
    from twisted.internet import endpoints

    endpoints.TCP4ServerEndpoint = functools.partial(
        endpoints.TCP4ServerEndpoint, interface="127.0.0.1")


def keep_objects_in(folder: Path) -> None:
    """Symptom in 2026.3.0: what is put into S3 stays in /tmp, whatever TMPDIR says."""
    from localstack.services.s3 import provider

    provider.DEFAULT_S3_TMP_DIR = str(folder)


def keep_empty_parameters() -> None:
    """Symptom in 2026.3.0: "every Fn::Equals object requires a list of 2 string parameters".

    A parameter that was given as empty text counts as not given; where it has no default, nothing
    is left. An empty default gives it back.
    """
    from localstack.services.cloudformation.engine.v2.change_set_model import ChangeSetModel

    visit = ChangeSetModel._visit_parameter

    def with_default(parameter: Any) -> Any:
        if not isinstance(parameter, dict) or parameter.get("Type") != "String":
            return parameter
        return {"Default": "", **parameter}

    def visit_parameter(model: ChangeSetModel, scope: Any, parameter_name: str,
                        before_parameter: Any, after_parameter: Any) -> Any:
        return visit(model, scope, parameter_name,
                     with_default(before_parameter), with_default(after_parameter))

    ChangeSetModel._visit_parameter = visit_parameter


def leave_references_to_sam() -> None:
    """Symptom in 2026.3.0: "Unresolved resource dependencies [AuthorizerFunction.Alias]", or a
    creation that never ends.

    Before SAM's transform has made what a reference stands for, LocalStack follows all of them,
    looking for `Fn::Transform`; and a function that names its alarms, which name the function, is
    a circle until then. `infra/` has no `Fn::Transform`.
    """
    from localstack.services.cloudformation.engine.v2.change_set_model_transform import (
        ChangeSetModelTransform,
    )

    ChangeSetModelTransform._execute_local_transforms = lambda _: None


def return_items_of_failed_conditions() -> None:
    """Symptom in 2026.3.0: a PutItem whose condition fails does not say what was there instead.

    `ReturnValuesOnConditionCheckFailure` is younger than its DynamoDB. The item is read after the
    refusal; on AWS it is the one that was refused for, here somebody may have changed it in between.
    """
    from localstack.aws.api import RequestContext, ServiceException
    from localstack.aws.api.dynamodb import ConditionalCheckFailedException
    from localstack.aws.connect import connect_to
    from localstack.services.dynamodb.provider import DynamoDBProvider
    from localstack.services.dynamodb.utils import SchemaExtractor

    forward = DynamoDBProvider._forward_request

    def forward_request(provider: DynamoDBProvider, context: RequestContext, region: str,
                        service_request: Any = None) -> Any:
        try:
            return forward(provider, context, region, service_request)
        except ServiceException as error:
            request = context.service_request
            is_asked = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
            is_failed = error.code == "ConditionalCheckFailedException"
            if context.operation.name != "PutItem" or not is_asked or not is_failed:
                raise
            table = request["TableName"]
            key = SchemaExtractor.extract_keys(request["Item"], table, context.account_id, region)
            client = connect_to(aws_access_key_id=context.account_id, region_name=region).dynamodb
            found = client.get_item(TableName=table, Key=key, ConsistentRead=True)
            raise ConditionalCheckFailedException(error.message, Item=found.get("Item")) from error

    DynamoDBProvider._forward_request = forward_request


def main() -> None:
    """Applies the mends and serves until a signal ends it."""
    refuse_another_version()
    listen_on_loopback()
    keep_objects_in(Path(os.environ["TMPDIR"]) / "s3")
    keep_empty_parameters()
    leave_references_to_sam()
    return_items_of_failed_conditions()
    take_dynamodb_from(Path(os.environ["WRIT_DYNAMODB_FOLDER"]), os.environ["WRIT_JAVA"])

    from localstack.runtime.main import main as serve

    serve()


if __name__ == "__main__":
    main()

"""What LocalStack loads first: it must be cheap and import nothing of LocalStack's Lambda."""

from __future__ import annotations

from typing import Any

from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin


class ProcessRuntimeExecutorPlugin(RuntimeExecutorPlugin):
    """Chosen by LAMBDA_RUNTIME_EXECUTOR=process."""

    name = "process"

    def load(self, *args: Any, **rest: Any) -> type:
        """Returns the class of which LocalStack makes one object for each environment."""
        from .executor import ProcessRuntimeExecutor

        return ProcessRuntimeExecutor

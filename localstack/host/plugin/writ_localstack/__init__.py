"""LocalStack's Lambda without Docker: a function is a process of this machine.

Found by its entry point (`localstack.lambda.runtime_executor`, name `process`) once its folder is
on PYTHONPATH: it needs no installation, so it is never older than the checkout.
"""

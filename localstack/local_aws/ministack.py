"""ministack as a program of this machine."""

from __future__ import annotations

from . import cache, deployment, python_environment
from .emulator import HOST, REGION, Emulator
from .kind import Kind

HERE = cache.ROOT / "localstack" / "ministack"
REQUIREMENTS = python_environment.Requirements("ministack", HERE / "requirements.txt")


def emulator(port: int) -> Emulator:
    """ministack on a port."""
    return Emulator("ministack", port, health_path="/_ministack/health", start_seconds=60)


def start(ministack: Emulator) -> None:
    """Starts ministack with IAM enforced and nothing but its port and the functions' own."""
    python = python_environment.python_of(REQUIREMENTS)
    ministack.start([str(python), str(HERE / "launch.py")], {
        "GATEWAY_PORT": str(ministack.port),
        "BIND_HOST": HOST,
        "AUTH": "true",
        # Functions take their endpoint from here.
        "AWS_ENDPOINT_URL": ministack.url,
        "MINISTACK_REGION": REGION,
        # Else it opens port 8883 on every address.
        "IOT_MTLS_ENABLED": "0",
        # Kept from run to run.
        "PYTHONPYCACHEPREFIX": str(cache.folder() / "ministack-bytecode"),
    })


KIND = Kind(emulator, start, deployment.deploy, has_http_api=True, enforces_iam=True)

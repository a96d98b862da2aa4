from __future__ import annotations

import itertools
from collections.abc import Iterator

import boto3
import fsspec
import pytest

from tests.remote.server import S3Server

NAMES = itertools.count()


@pytest.fixture(scope="session")
def s3_process() -> Iterator[S3Server]:
    """One server for all tests, which boto3, s3fs and TensorBoard find by their environment."""
    server = S3Server()
    server.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", server.url)
        patch.setenv("AWS_ACCESS_KEY_ID", "nobody")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_MAX_ATTEMPTS", "1")  # botocore waits seconds between its attempts
        yield server
    server.stop()


@pytest.fixture
def s3(s3_process: S3Server) -> S3Server:
    s3_process.requests.clear()
    return s3_process


@pytest.fixture
def bucket(s3: S3Server) -> str:
    """The URL of an empty bucket."""
    name = f"bucket{next(NAMES)}"
    client = boto3.client("s3")
    client.create_bucket(Bucket=name)
    client.close()
    s3.requests.clear()
    return f"s3://{name}"


@pytest.fixture
def memory_dir() -> Iterator[str]:
    """The URL of an empty directory of fsspec's storage in memory."""
    url = f"memory://test{next(NAMES)}"
    yield url
    storage = fsspec.filesystem("memory")
    if storage.exists(url):
        storage.rm(url, recursive=True)


@pytest.fixture(params=["s3", "memory"])
def remote_dir(request: pytest.FixtureRequest) -> str:
    """The URL of an empty directory of each storage in turn."""
    url: str = request.getfixturevalue({"s3": "bucket", "memory": "memory_dir"}[request.param])
    return url

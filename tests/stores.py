"""An object store of our own: moto's, on a port of this machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "tests",
    "AWS_SECRET_ACCESS_KEY": "secret-of-tests",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@contextmanager
def bucket(name: str) -> Iterator[Any]:
    """Within, the environment leads s3:// to a server that has this bucket; boto3's resource of it."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    before = {key: os.environ.get(key) for key in (*ENVIRONMENT, "AWS_ENDPOINT_URL")}
    try:
        host, port = server.get_host_and_port()
        os.environ.update(ENVIRONMENT | {"AWS_ENDPOINT_URL": f"http://{host}:{port}"})
        store = boto3.resource("s3").Bucket(name)
        store.create()
        yield store
    finally:
        server.stop()
        for key, value in before.items():
            os.environ.pop(key, None) if value is None else os.environ.update({key: value})

"""An S3 server on this machine, and one between it and its reader that fails as networks do."""

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from listening import listening

from latelier.data.remote import attempts, store

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "tests",
    "AWS_SECRET_ACCESS_KEY": "secret-of-tests",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@contextmanager
def serving() -> Iterator[str]:
    """An S3 server; its address. Servers of one process share what they hold."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@contextmanager
def filled(folder: Path, name: str) -> Iterator[str]:
    """The files of a folder in a bucket, which nothing else that is open meanwhile may be called, on a server. Yields
    its address."""
    import boto3

    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-east-1"}
    with serving() as address, closing(boto3.client("s3", endpoint_url=address, **keys)) as client:
        client.create_bucket(Bucket=name)
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                client.put_object(Bucket=name, Key=path.relative_to(folder).as_posix(), Body=path.read_bytes())
        try:
            yield address
        finally:
            left = [{"Key": found["Key"]} for found in client.list_objects_v2(Bucket=name)["Contents"]]
            client.delete_objects(Bucket=name, Delete={"Objects": left})
            client.delete_bucket(Bucket=name)


@contextmanager
def bucket(name: str) -> Iterator[Any]:
    """Within, the environment leads s3:// to a server that has this empty bucket; boto3's resource of it."""
    import boto3

    before = {key: os.environ.get(key) for key in (*ENVIRONMENT, "AWS_ENDPOINT_URL")}
    with serving() as address:
        try:
            os.environ.update(ENVIRONMENT | {"AWS_ENDPOINT_URL": address})
            store = boto3.resource("s3").Bucket(name)
            store.create()
            yield store
        finally:
            for key, value in before.items():
                os.environ.pop(key, None) if value is None else os.environ.update({key: value})


def lead_to(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Has s3:// lead to this server, without waits between attempts."""
    import s3fs

    for name, value in {"AWS_ENDPOINT_URL": address, **ENVIRONMENT}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(attempts, "WAIT", 0.001)
    s3fs.S3FileSystem.clear_instance_cache()  # of another server
    store._in_store.cache_clear()


class Faults:
    """What becomes of requests for an object's bytes; each counts down."""

    def __init__(self) -> None:
        self.refuse = 0  # are answered by 500
        self.cut = 0  # end in the middle
        self.flip = 0  # come with a wrong byte
        self.delay = 0.0  # seconds before each
        self.gets = 0  # how many there were
        self.lock = threading.Lock()

    def take(self, name: str) -> bool:
        with self.lock:
            left = getattr(self, name)
            setattr(self, name, max(0, left - 1))
            return left > 0


@contextmanager
def unreliable(address: str) -> Iterator[tuple[str, Faults]]:
    """A server that passes on what it is asked for, with faults. Yields its address and these."""
    faults, behind = Faults(), urlsplit(address)

    class Between(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            connection = HTTPConnection(str(behind.hostname), behind.port)
            connection.request(self.command, self.path, body, dict(self.headers))
            answer = connection.getresponse()
            content = answer.read()
            bytes_asked = self.command == "GET" and "Range" in self.headers
            if bytes_asked:
                time.sleep(faults.delay)
                with faults.lock:
                    faults.gets += 1
            if bytes_asked and faults.take("refuse"):
                self.send_response(500)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                    self.send_header(name, value)
            length = answer.headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(content))
            self.send_header("Content-Length", length)
            self.end_headers()
            if bytes_asked and faults.take("cut"):
                self.wfile.write(content[: len(content) // 2])
                self.close_connection = True
                return
            if bytes_asked and faults.take("flip"):
                content = content[:-1] + bytes([content[-1] ^ 1])
            self.wfile.write(content)
            connection.close()

        do_GET = do_HEAD = do_PUT = do_POST = pass_on

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    with listening(Between) as address:
        yield address, faults

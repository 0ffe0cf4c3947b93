"""A page over small models that nobody has trained, as tests ask it."""

import json
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from latelier.core import Encodes, Model, has
from latelier.data.images import Images
from latelier.explore.answers import LINES
from latelier.explore.app import build_app
from latelier.explore.jobs import Jobs
from latelier.explore.opened_run import OpenedRun
from latelier.explore.uploads import Uploads
from latelier.explore.workbench import Workbench, label_file
from latelier.runs.building import Card
from latelier.runs.run import Run
from latelier.runs.where import Where

with warnings.catch_warnings():  # starlette would like another client, which is younger than these tests
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

HERE = "http://127.0.0.1:8765"
WAIT = 60.0  # seconds at most for what is being made


def noise_images(n: int = 12, image: tuple[int, int, int] = (1, 8, 6), seed: int = 0) -> Images:
    """n images of noise of two classes, the last without a label."""
    c, h, w = image
    label = np.arange(n) % 2
    label[-1] = -1
    return Images(
        pixels=np.random.default_rng(seed).integers(0, 256, (n, h, w, c), np.uint8),
        label=label,
        attribute=np.zeros((n, 0), np.int8),
        captions=[()] * n,
        names=[f"sub/{i}.png" for i in range(n)],
        classes=("cat", "dog"),
        source="noise:test",
        fingerprint=f"noise{seed}",
    )


def place(model: Model, name: str, uploads: Uploads, images: Images | None = None) -> OpenedRun:
    """A run of the model, at a folder that is not there, over these images or noise of its size."""
    images = images or noise_images(image=model.image)
    run = Run(Path("nowhere") / name, model.eval(), Card("fake", model.image, {}), {}, 0, ())
    opened = OpenedRun(name, run, images, lambda: images, uploads, Where())
    opened.use(Workbench(images, label_file(run.folder), Jobs()))  # until a page has its own
    return opened


def said(answer: Any) -> tuple[int, dict[str, Any]]:
    """Status and content of an answer, also of one that came in lines."""
    if answer.headers["content-type"] != LINES:
        return answer.status_code, answer.json()
    last = json.loads(answer.text.splitlines()[-1])
    return last["status"], last.get("answer", last)


class Untrained:
    """A job in the place of ``latelier.explore.jobs.Job`` that trains nothing, and ends when it is cancelled."""

    def __init__(self, words: Sequence[str], out: Path, beside: str, ended: object):
        self.words, self.out, self.beside = words, out, beside
        self.state, self.opened = "running", ""

    def json(self) -> dict[str, Any]:
        told = {"state": self.state, "share": 0.5, "lines": ["step 1"], "command": "", "kept": False}
        return {**told, "out": str(self.out), "opened": self.opened}

    def cancel(self) -> None:
        self.state = "cancelled"

    close = cancel


class Page:
    """Asks as a browser does."""

    def __init__(self, client: TestClient):
        self.client = client

    def ask(self, panel: str, action: str, run: str = "one", **question: Any) -> dict[str, Any]:
        """The answer to a question that must not be refused; asked again while the run's codes are being made."""
        end = time.monotonic() + WAIT
        while (answer := said(self.client.post(f"/api/{run}/{panel}/{action}", json=question)))[0] == 202:
            assert time.monotonic() < end, answer
            time.sleep(0.05)
        status, found = answer
        assert status == 200, found
        return found

    def refused(self, panel: str, action: str, run: str = "one", **question: Any) -> tuple[int, str]:
        """Status and sentence."""
        status, found = said(self.client.post(f"/api/{run}/{panel}/{action}", json=question))
        return status, found["error"]


def places_of(*models: Model) -> tuple[list[OpenedRun], Uploads]:
    """Runs named one, two, ..., whose codes are there already."""
    uploads = Uploads()
    places = [place(model, name, uploads) for model, name in zip(models, ("one", "two", "three"), strict=False)]
    for one in places:
        if has(one.model, Encodes):
            list(one.codes.slices())
    return places, uploads


@contextmanager
def page(*models: Model, hosts: tuple[str, ...] = ("127.0.0.1",), token: str = "") -> Iterator[Page]:
    """A page over them."""
    with (
        app_of(*models, hosts=hosts, token=token) as app,
        TestClient(app, base_url=HERE, follow_redirects=False) as client,
    ):
        yield Page(client)


@contextmanager
def app_of(*models: Model, **how: Any) -> Iterator[Any]:
    """A server over them, whose labels go when it does."""
    with TemporaryDirectory() as folder:
        yield build_app(*places_of(*models), labels=Path(folder) / "labels.csv", **how)

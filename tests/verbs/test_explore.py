"""latelier explore and latelier decode: a page that a command starts, and its images drawn again by a command."""

import base64
import io
import re
import shlex
import socket
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from commands import Captured, refused, started
from explore.opened import HERE, Page, TestClient
from made import folder
from PIL import Image

from latelier.cli import main
from latelier.explore.app import build_app
from latelier.explore.open_runs import open_runs
from latelier.explore.uploads import Uploads
from latelier.runs.run import Run
from latelier.runs.where import Where
from latelier.verbs.explore import explore

TINY = "--epochs 1 --batch 4 --quiet --set net=mlp net.widths=4 latent=3"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A `vae` on seven colour images of 12 x 10 pixels."""
    place = tmp_path_factory.mktemp("made")
    folder(place / "pets", 7)
    main(shlex.split(f"train vae --data {place / 'pets'} --out {place / 'a run'!s} {TINY}".replace("a run", "'a run'")))
    return place / "a run"


def seen(address: str) -> np.ndarray:
    content = base64.b64decode(address.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(content)))


def test_the_command_that_the_page_gives_draws_its_image(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    uploads = Uploads()
    (place,) = open_runs([run], None, Where(), uploads)
    assert (place.name, len(place.shown)) == ("a-run", 7)  # all images of a source without splits
    with TestClient(build_app([place], uploads), base_url=HERE) as client:
        page = Page(client)
        for panel, action, question in (
            ("traverse", "move", {"image": "d3", "moves": {"z:1": 2.5}}),
            ("traverse", "move", {"seed": 5, "moves": {"z:0": -1}}),
            ("interpolate", "at", {"images": ["d1", "d4", "d2"], "x": 0.3, "y": 0.8}),
        ):
            shown = seen(page.ask(panel, action, run="a-run", **question)["image"])
            command = page.ask(panel, "code", run="a-run", **question)["command"]
            main(shlex.split(command)[1:])
            with Image.open("decoded.png") as opened:
                assert np.array_equal(np.asarray(opened), shown)


def test_a_code_may_come_from_a_file(run: Path, tmp_path: Path) -> None:
    """Of any name."""
    for name in ("code.json", "code.v2"):
        (tmp_path / name).write_text('{"z": [0.5, -1, 2]}')
    outs = [tmp_path / name for name in ("a.png", "b.png", "c.png")]
    given = (str(tmp_path / "code.json"), str(tmp_path / "code.v2"), '{"z": [0.5, -1, 2]}')
    for code, out in zip(given, outs, strict=True):
        main(["decode", str(run), code, "--out", str(out)])
    assert outs[0].read_bytes() == outs[1].read_bytes() == outs[2].read_bytes()


def test_a_file_of_another_kind_is_no_code_and_not_called_damaged(run: Path, tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "codes.parquet").write_bytes(b"PAR1\xff\xfe\x00")
    said = refused(capsys, ["decode", str(run), str(tmp_path / "codes.parquet"), "--out", str(tmp_path / "x.png")])
    assert "the code is not JSON" in said
    assert "give a JSON file, or the JSON itself" in said


WRONG = {
    "[]": "no code at []",
    "nothing.json": "no code at nothing.json: give a JSON file, or the JSON itself",
    '{"z": [0.5': "the code is not JSON",
    '{"y": [1, 2, 3]}': 'the code has y; a code of this model is {"z": [3 numbers]}',
    "{}": 'the code lacks z; a code of this model is {"z": [3 numbers]}',
    '{"z": [1, 2]}': 'z does not fit, or is not finite; a code of this model is {"z": [3 numbers]}',
    '{"z": [1, 2, NaN]}': "z does not fit, or is not finite",
    '{"z": ["far", 2, 3]}': "z is not made of numbers",
}


def test_a_list_is_no_code_and_the_form_of_one_is_said(run: Path, tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "code.json").write_text("[1, 2, 3]")
    said = refused(capsys, ["decode", str(run), str(tmp_path / "code.json"), "--out", str(tmp_path / "x.png")])
    assert said.endswith('a code of this model is {"z": [3 numbers]}, and no list')


@pytest.mark.parametrize("code", WRONG)
def test_what_is_no_code_is_refused(run: Path, tmp_path: Path, capsys: Captured, code: str) -> None:
    out = tmp_path / "x.png"
    assert WRONG[code] in refused(capsys, ["decode", str(run), code, "--out", str(out)])
    assert not out.exists()
    assert "does not end in .png" in refused(capsys, ["decode", str(run), '{"z": [1, 2, 3]}', "--out", "x.jpg"])


def test_what_cannot_be_served_is_refused(run: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "explore takes a run folder or several" in refused(capsys, ["explore"])
    with pytest.raises(SystemExit):
        main(["explore", str(run), "nowhere"])
    out, line = capsys.readouterr()
    assert line.startswith("latelier: no run at nowhere")
    assert out == ""  # before it says that it opens them
    assert "--port takes a number from 0 to 65535" in refused(capsys, ["explore", str(run), "--port", "70000"])
    assert "--host takes the one address" in refused(capsys, ["explore", str(run), "--host", "0.0.0.0"])
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"cannot serve on 127.0.0.1:{port}" in refused(capsys, ["explore", str(run), "--port", str(port)])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert 'pip install "latelier[explore]"' in refused(capsys, ["explore", str(run)])


class Served(Exception):
    """Where the server would begin."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a browser and the server are given; nothing is served."""
    found: dict[str, Any] = {}
    opened = threading.Event()

    def browser(address: str) -> None:
        found["browser"] = address
        opened.set()

    def run(self: uvicorn.Server, sockets: Any) -> None:
        opened.wait(0.5)
        for one in sockets:
            one.close()
        raise Served

    monkeypatch.setattr("webbrowser.open", browser)
    monkeypatch.setattr(uvicorn.Server, "run", run)
    return found


def test_what_is_being_done_is_said_before_the_address(run: Path, capsys: Captured, asked: dict[str, Any]) -> None:
    with pytest.raises(Served):
        explore(str(run), port=0)
    first, second, address, _ = capsys.readouterr().out.splitlines()
    assert first == "opening 1 run"
    assert second.startswith("a run: reading images of ")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
    assert asked == {}


def test_a_token_is_asked_for_on_this_machine_too(run: Path, capsys: Captured, asked: dict[str, Any]) -> None:
    """And the browser gets the address with it."""
    with pytest.raises(Served):
        explore(str(run), port=0, token=True, open_=True)
    address = capsys.readouterr().out.splitlines()[2]
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{22}", address)
    assert asked == {"browser": address}


def test_a_train_split_in_files_of_its_own_is_read_when_it_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder(tmp_path / "pets" / "train", 6)
    folder(tmp_path / "pets" / "test", 4)
    main(shlex.split(f"train vae --data {tmp_path / 'pets'} --out {tmp_path / 'run'} {TINY}"))
    read, own = list[str | None](), Run.images

    def images(self: Run, source: Any, where: Where, split: str | None = None, **more: Any) -> Any:
        read.append(split)
        return own(self, source, where, split, **more)

    monkeypatch.setattr(Run, "images", images)
    (place,) = open_runs([tmp_path / "run"], None, Where(), Uploads())
    assert (read, len(place.shown)) == (["test"], 4)
    assert len(place.fit) == 6
    assert read[1:].count("train") == 1


@pytest.mark.slow
def test_the_command_serves_until_it_is_ended(run: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = started(["explore", str(run), "--port", str(port)])
    address = f"http://127.0.0.1:{port}/"
    while process.is_alive():
        try:
            with urllib.request.urlopen(address) as answer:
                assert "script-src 'self'" in answer.headers["content-security-policy"]
                break
        except urllib.error.URLError:  # it does not listen yet
            continue
    assert process.is_alive()
    process.terminate()
    process.join()

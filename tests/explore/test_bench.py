"""The whole way on a real run: label by keys and by lasso, be killed, come back, take the list along, train, and find
the accuracy higher."""

import csv
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from explore.browser import PATIENCE, Visitor, visiting

from latelier.data.sources.open import open_images

TRAIN = ["train", "pca", "--data", "digits", "--quiet", "--set", "latent=8", "--out"]


@contextmanager
def explorer(folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address and the process of ``latelier explore`` over the training images of digits."""
    command = [sys.executable, "-m", "latelier", "explore", "run", "--data", "digits:train", "--port", "0"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout is not None
            lines = iter(process.stdout.readline, "")
            yield next(found[0] for line in lines if (found := re.search(r"http://[0-9.:]+/", line))), process
        finally:
            process.terminate()


@pytest.mark.slow
def test_thirty_digits_are_labelled_through_a_crash_and_trained_on(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "latelier", *TRAIN, "run"], cwd=tmp_path, check=True, timeout=300)
    images = open_images("digits:train")
    digit = {name: images.classes[label] for name, label in zip(images.names, images.label, strict=True)}
    labels = tmp_path / "run" / "labelling" / "labels.csv"
    with explorer(tmp_path) as (base, process), visiting(base) as visitor:
        visitor.go("panel=label")
        for count in range(1, 21):
            label(visitor, digit, count)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        visitor.complaints.clear()
    given = labels.read_text().splitlines()
    assert len(given) == 21  # and a header
    assert all(line.split(",")[1] == digit[line.split(",")[0].removeprefix("train/")] for line in given[1:])
    with explorer(tmp_path) as (base, process), visiting(base) as visitor:
        visitor.go("panel=label")
        visitor.until("/20 of 1,297 images have a class/.test(document.body.innerText)")
        for count in range(21, 26):
            label(visitor, digit, count)
        lasso(visitor)
        visitor.page.locator(".chosen").get_by_role("button", name="Label").click()
        visitor.page.wait_for_selector("text=These are the images that you have selected.")
        for count in range(26, 31):
            label(visitor, digit, count)
        with visitor.page.expect_download() as download:
            visitor.page.get_by_role("button", name="Save the list (CSV)").click()
        download.value.save_as(tmp_path / "selected.csv")
        with (tmp_path / "selected.csv").open() as file:
            given_of = {row["file"]: row["given"] for row in csv.DictReader(file) if row["given"]}
        assert len(given_of) >= 5
        assert all(digit[name] == given for name, given in given_of.items())
        before = accuracy(visitor, 30)
        visitor.page.get_by_label("Steps").fill("120")
        visitor.page.get_by_role("button", name="Train with these labels").click()
        visitor.page.get_by_role("button", name="Label with its codes").click(timeout=5 * PATIENCE)
        visitor.until("location.hash.includes('run=run-labelled')")
        after = accuracy(visitor, 30)
        assert after > before, (before, after)
        visitor.complaints.clear()
    assert (tmp_path / "run-labelled" / "labels.csv").is_file()


def lasso(visitor: Visitor) -> None:
    """Draws around the left half of the map."""
    page = visitor.page
    visitor.go("panel=map")
    page.wait_for_selector(".legend button")
    page.wait_for_timeout(500)
    box = page.locator(".plane").bounding_box()
    corners = [(0.01, 0.01), (0.5, 0.01), (0.5, 0.99), (0.01, 0.99), (0.01, 0.02)]
    at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    page.mouse.move(*at[0])
    page.mouse.down()
    for x, y in at[1:]:
        page.mouse.move(x, y, steps=5)
    page.mouse.up()
    page.wait_for_selector(".chosen button")


def label(visitor: Visitor, digit: dict[str, str], count: int) -> None:
    """Presses the key of the digit that is in hand."""
    page = visitor.page
    page.wait_for_selector(".queue [aria-current]", timeout=PATIENCE)
    name = page.locator(".queue [aria-current]").get_attribute("aria-label").split(",")[0]
    page.keyboard.press(digit[name])
    visitor.until(f"/{count} of 1,297 images have a class/.test(document.body.innerText)")


def accuracy(visitor: Visitor, count: int) -> float:
    """As the page says it after that many labels, in percent."""
    visitor.until(f"/[0-9]+ % right after {count} labels/.test(document.body.innerText)")
    text = visitor.page.inner_text("body")
    return float(re.search(rf"([0-9]+) % right after {count} labels", text)[1])  # type: ignore[index]

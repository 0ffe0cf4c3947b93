"""How long a slider waits in the explorer while long work of somebody else is under way."""

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from statistics import median, quantiles
from typing import Any

SLIDER = ".slider input"
PRESS = """() => new Promise((done) => {
  const [slider, image] = [document.querySelector(".slider input"), document.querySelector(".big img")];
  const begun = performance.now();
  image.addEventListener("load", () => done(performance.now() - begun), { once: true });
  slider.value = (Number(slider.value) + Number(slider.step)) % 2.5;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
})"""
HALF = base64.b64encode(b"\xff" * (64 * 64 // 16) + b"\0" * (64 * 64 // 16)).decode()  # of 64 x 64 pixels, the upper
RUNS: dict[str, tuple[str, list[tuple[str, str, dict[str, Any]]]]] = {
    "a VAE of 64 px": (
        "vae --data scenes --size 64 --images 2000 --set net=conv latent=32 caption=gru",
        [
            ("captions", "imagine", {"text": "a red square"}),
            ("inpaint", "fill", {"hidden": HALF}),
            ("edit", "attributes", {}),
            ("edit", "trust", {"by": {}}),
        ],
    ),
    "PatchVAE of 64 px": (
        "patchvae --data scenes --size 64 --images 256",
        [("parts", "list", {}), ("inpaint", "fill", {"hidden": HALF})],
    ),
}


def measure_jobs() -> None:
    """Trains each model for an epoch, and asks for its long work while a slider is moved without a pause."""
    with tempfile.TemporaryDirectory() as place:
        for number, (name, (words, jobs)) in enumerate(RUNS.items()):
            run = Path(place) / str(number)
            command = [sys.executable, "-m", "latelier", "train", *words.split(), "--out", str(run)]
            subprocess.run([*command, "--epochs", "1", "--quiet", "--precision", "fp32"], check=True)
            served(name, run, jobs)


def served(name: str, run: Path, jobs: list[tuple[str, str, dict[str, Any]]]) -> None:
    """One server, one browser, a page on Traverse; the jobs one after another."""
    from playwright.sync_api import sync_playwright

    command = [sys.executable, "-m", "latelier", "explore", str(run), "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        address = next(line.strip() for line in server.stdout if line.startswith("http"))
        chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        with sync_playwright() as playwright:
            sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
            browser = playwright.chromium.launch(executable_path=chromium, args=sandbox)
            page = browser.new_page()
            page.goto(f"{address}#panel=traverse")
            page.locator(SLIDER).first.wait_for()
            page.wait_for_load_state("networkidle")
            alone = [page.evaluate(PRESS) for _ in range(60)][10:]  # the first ones warm up
            print(f"{name}: alone {told(alone)}", flush=True)
            for panel, action, question in jobs:
                asking = Asking(f"{address}api/{run.name}/{panel}/{action}", question)
                waits = []
                while asking.is_alive():
                    waits.append(page.evaluate(PRESS))
                print(f"{name}: during {panel}/{action}, {asking.took:.1f} s: {told(waits)}", flush=True)
            browser.close()
    finally:
        server.terminate()
        server.wait()


class Asking(threading.Thread):
    """Another client, which asks one thing and waits for the answer."""

    def __init__(self, address: str, question: dict[str, Any]):
        super().__init__()
        headers = {"content-type": "application/json", "x-client": "another"}
        self.request, self.took = urllib.request.Request(address, json.dumps(question).encode(), headers), 0.0
        self.start()

    def run(self) -> None:
        begun = time.perf_counter()
        with urllib.request.urlopen(self.request) as answer:
            answer.read()
        self.took = time.perf_counter() - begun


def told(waits: list[float]) -> str:
    if len(waits) < 2:
        return f"{len(waits)} images"
    last = quantiles(waits, n=20)[-1]
    return (
        f"{len(waits)} images, median {median(waits):.0f} ms, 95th percentile {last:.0f} ms, most {max(waits):.0f} ms"
    )

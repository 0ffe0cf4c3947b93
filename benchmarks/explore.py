"""How quickly the explorer answers: from a key press to the new image, in a real browser.

    python benchmarks/explore.py                       models of 8 and 64 pixels, trained for one epoch
    python benchmarks/explore.py --flood 60            and 200 slider events a second for a minute
    python benchmarks/explore.py --jobs                how long a slider waits while long work is done, at 64 pixels
    python benchmarks/explore.py --map 100000          how smoothly a map of this many points moves, and nothing else
    python benchmarks/explore.py --tsne 70000          how long t-SNE takes for this many codes, and nothing else

See README.md of this folder for what is measured.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from explore_jobs import PRESS, SLIDER, measure_jobs
from explore_map import measure_map, measure_tsne

from latelier.bench.stated import unlike_defaults
from latelier.config.settings import words

PRESSES = 120
RATE = 200  # slider events a second of a flood
FLOOD = """([rate, seconds]) => new Promise((done) => {
  const slider = document.querySelector(".slider input");
  let [sent, begun] = [0, performance.now()];
  const timer = setInterval(() => {
    for (const due = Math.min(rate * seconds, ((performance.now() - begun) * rate) / 1000); sent < due; sent += 1) {
      slider.value = 2.5 * Math.sin(sent / 7);
      slider.dispatchEvent(new Event("input", { bubbles: true }));
    }
    if (sent >= rate * seconds) { clearInterval(timer); done(sent); }
  }, 5);
})"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--presses", type=int, default=PRESSES)
    parser.add_argument("--flood", type=int, default=0, help="seconds")
    parser.add_argument("--jobs", action="store_true")
    parser.add_argument("--tsne", type=int, default=0, help="points")
    parser.add_argument("--map", type=int, default=0, help="points")
    options = parser.parse_args()
    if options.jobs:
        return measure_jobs()
    if options.map:
        return measure_map(options.map)
    if options.tsne:
        return measure_tsne(options.tsne)
    with tempfile.TemporaryDirectory() as place:
        for name, (data, settings) in {
            "digits": ("--data digits", {"net": "mlp", "latent": 10}),
            "64 px": ("--data scenes --size 64 --images 256", {"net": "conv", "latent": 32}),
        }.items():
            run = Path(place) / name.replace(" ", "")
            command = [sys.executable, "-m", "latelier", "train", "vae", *data.split(), "--epochs", "1", "--quiet"]
            settled = ["--precision", "fp32", "--set", *words(unlike_defaults("vae", settings))]
            subprocess.run([*command, "--out", str(run), *settled], check=True)
            measure(name, run, options.presses, options.flood)


def measure(name: str, run: Path, presses: int, flood: int) -> None:
    """One server, one browser, one page."""
    from playwright.sync_api import sync_playwright

    begun = time.perf_counter()
    server = subprocess.Popen(
        [sys.executable, "-m", "latelier", "explore", str(run), "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        address = next(line.strip() for line in server.stdout if line.startswith("http"))
        while not answers(address):
            time.sleep(0.01)
        up = time.perf_counter() - begun
        chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        with sync_playwright() as playwright:
            sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
            browser = playwright.chromium.launch(executable_path=chromium, args=sandbox)
            page = browser.new_page()
            begun = time.perf_counter()
            page.goto(address)
            page.locator(".gallery img").first.wait_for()
            first = time.perf_counter() - begun
            page.goto(f"{address}#panel=traverse")
            page.locator(SLIDER).first.wait_for()
            page.wait_for_load_state("networkidle")
            waits = [page.evaluate(PRESS) for _ in range(presses)][10:]  # the first ones warm up
            real = keyboard(page, presses // 2)
            print(
                f"{name}: server up {up:.2f} s, first page {first:.2f} s; to the new image: slider event median "
                f"{median(waits):.0f} ms, 95th percentile {quantiles(waits, n=20)[-1]:.0f} ms; key press median "
                f"{median(real):.0f} ms, 95th percentile {quantiles(real, n=20)[-1]:.0f} ms"
            )
            if flood:
                before = memory(server.pid)
                page.evaluate(FLOOD, [RATE, 5])
                warm = memory(server.pid)
                sent = page.evaluate(FLOOD, [RATE, flood])
                print(
                    f"{name}: flood of {sent:,} events in {flood} s; memory of the server {before} MB before, "
                    f"{warm} MB after 5 s, {memory(server.pid)} MB at the end"
                )
            browser.close()
    finally:
        server.terminate()
        server.wait()


def keyboard(page: Any, presses: int) -> list[float]:
    """ms from a key press to the loaded image, as the page's own clock has both."""
    page.evaluate("""() => {
      window.waits = [];
      let pressed = 0;
      document.querySelector(".slider input").addEventListener("keydown", () => (pressed = performance.now()));
      document.querySelector(".big img").addEventListener("load", () => window.waits.push(performance.now() - pressed));
    }""")
    page.locator(SLIDER).first.focus()
    for number in range(presses):
        page.keyboard.press("ArrowLeft" if number % 40 < 20 else "ArrowRight")
        for _ in range(500):
            if page.evaluate("window.waits.length") > number:
                break
            time.sleep(0.004)
    waits: list[float] = page.evaluate("window.waits")
    return waits


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address):
            return True
    except urllib.error.URLError:
        return False


def memory(process: int) -> int:
    """Resident, in MB."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") >> 20


if __name__ == "__main__":
    main()

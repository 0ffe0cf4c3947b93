"""How smoothly the explorer's map moves: ms from one drawn frame to the next while a person hovers, turns the wheel,
moves the plane and draws around points, in a real browser. `python benchmarks/explore.py --map 100000` runs it.

The images are blobs in ten groups, the model a small VAE that nobody trained; its codes are computed and placed as
always.
"""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from typing import Any

import numpy as np

SIDE = 8
MOVES = 240
READY = (
    "() => document.querySelectorAll('.legend button').length > 1 && !document.querySelector('.waiting:not([hidden])')"
)
# Frames are counted by the page's own clock; work is what the map's own drawing takes of each.
WATCH = """() => {
  window.frames_ = []; window.work_ = []; window.watching = true;
  let before = 0;
  const tick = (now) => {
    if (before) window.frames_.push(now - before);
    before = now;
    if (window.watching) window.own(tick);
  };
  if (!window.own) {
    window.own = window.requestAnimationFrame.bind(window);
    window.requestAnimationFrame = (work) => window.own((now) => {
      const begun = performance.now();
      work(now);
      if (window.watching) window.work_.push(performance.now() - begun);
    });
  }
  window.own(tick);
}"""


def measure_map(points: int) -> None:
    """Prints the 95th percentile of each interaction."""
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    begun = time.perf_counter()
    with serving(points) as address, sync_playwright() as playwright:
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=chromium, args=sandbox)
        page = browser.new_page(viewport={"width": 1280, "height": 860})
        page.goto(f"{address}#panel=map")
        while not page.evaluate(READY):
            time.sleep(0.2)
        print(f"map of {points:,} points: there {time.perf_counter() - begun:.1f} s after the server's start")
        box = page.locator("canvas.plane").bounding_box()
        for name, act in (("hover", hover), ("wheel", wheel), ("pan", pan), ("lasso", lasso), ("box", boxed)):
            page.get_by_role("button", name="All", exact=True).click()
            page.wait_for_timeout(500)
            page.evaluate(WATCH)
            act(page, box)
            page.wait_for_timeout(100)
            frames, work = page.evaluate("() => { window.watching = false; return [window.frames_, window.work_]; }")
            print(
                f"{name}: frame to frame 95th percentile {percentile(frames):.1f} ms, longest {max(frames):.1f} ms, of "
                f"{len(frames)}; drawing a frame 95th percentile {percentile(work):.1f} ms of {len(work)}"
            )
        browser.close()


def measure_tsne(points: int) -> None:
    """Prints how long t-SNE takes for codes of 32 numbers in ten groups, and how much of the processor."""
    from latelier.explore import tsne

    draw = np.random.default_rng(0)
    rows = draw.normal(size=(10, 32))[draw.integers(0, 10, points)] + draw.normal(0, 0.5, (points, 32))
    begun, before = time.perf_counter(), time.process_time()
    tsne.tsne(rows.astype(np.float32), lambda share: None)
    print(
        f"t-SNE of {points:,} codes: {time.perf_counter() - begun:.0f} s, with {time.process_time() - before:.0f} s of "
        f"processor time in {tsne.THREADS} threads"
    )


def percentile(values: list[float]) -> float:
    return quantiles(values, n=20)[-1]


def circle(box: dict[str, float], share: float) -> Iterator[tuple[float, float]]:
    """Places along a circle of that share of the canvas."""
    for angle in np.linspace(0, 2 * np.pi, MOVES):
        radius = share * min(box["width"], box["height"]) / 2
        yield (
            box["x"] + box["width"] / 2 + radius * np.cos(angle),
            box["y"] + box["height"] / 2 + radius * np.sin(angle),
        )


def hover(page: Any, box: dict[str, float]) -> None:
    for x, y in circle(box, 0.5):
        page.mouse.move(x, y)


def wheel(page: Any, box: dict[str, float]) -> None:
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for step in range(MOVES):
        page.mouse.wheel(0, -60 if step % 80 < 40 else 60)


def dragged(page: Any, box: dict[str, float], mode: str, share: float) -> None:
    page.get_by_role("button", name=mode, exact=True).click()
    places = list(circle(box, share))
    page.mouse.move(*places[0])
    page.mouse.down()
    for x, y in places:
        page.mouse.move(x, y)
    page.mouse.up()


def pan(page: Any, box: dict[str, float]) -> None:
    dragged(page, box, "Move", 0.5)


def lasso(page: Any, box: dict[str, float]) -> None:
    dragged(page, box, "Lasso", 0.6)
    page.wait_for_selector("text=images are selected")


def boxed(page: Any, box: dict[str, float]) -> None:
    page.get_by_role("button", name="Box", exact=True).click()
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    for share in np.linspace(0, 1, MOVES):
        page.mouse.move(box["x"] + 5 + share * (box["width"] - 10), box["y"] + 5 + share * (box["height"] - 10))
    page.mouse.up()


@contextmanager
def serving(points: int) -> Iterator[str]:
    """The address of a page over a synthetic run."""
    import uvicorn

    from latelier.bench.stated import stated
    from latelier.data.images import Images
    from latelier.device import prepare_cpu
    from latelier.explore.app import build_app
    from latelier.explore.opened_run import OpenedRun
    from latelier.explore.uploads import Uploads
    from latelier.runs.building import Card, build
    from latelier.runs.run import Run
    from latelier.runs.where import Where

    prepare_cpu()
    draw = np.random.default_rng(0)
    label = draw.integers(0, 10, points)
    blobs = draw.integers(0, 256, (10, SIDE, SIDE, 1))[label] + draw.normal(0, 40, (points, SIDE, SIDE, 1))
    images = Images(
        pixels=blobs.clip(0, 255).astype(np.uint8),
        label=label,
        attribute=np.zeros((points, 0), np.int8),
        captions=[()] * points,
        names=[f"{i}.png" for i in range(points)],
        classes=tuple(f"blob {i}" for i in range(10)),
        source="blobs",
    )
    model = build("vae", (1, SIDE, SIDE), **stated("vae", {"latent": 16, "net": "mlp"})).eval()
    run = Run(Path("blobs"), model, Card("vae", model.image, {}), {}, 0, ())
    uploads = Uploads()
    app = build_app([OpenedRun("blobs", run, images, lambda: images, uploads, Where())], uploads)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join()


def until(true: Callable[[], bool]) -> None:
    while not true():
        time.sleep(0.05)

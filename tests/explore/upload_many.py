"""Uploads large images from many threads; prints by how many MB the process grew at most, and in the end."""

import io
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

from latelier.explore.uploads import Uploads, give_back

COUNT, SIDE, AT_ONCE = 30, 6316, 12


def resident() -> int:
    """MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20


def image(number: int) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (SIDE, SIDE), (number, 90, 120)).save(content, "PNG")
    return content.getvalue()


def main() -> None:
    files = [image(number) for number in range(COUNT)]
    give_back()
    before, peak, over = resident(), 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not over.wait(0.005):
            peak = max(peak, resident())

    watching = threading.Thread(target=watch)
    watching.start()
    uploads = Uploads()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(uploads.add, files))
    over.set()
    watching.join()
    print(peak - before, resident() - before)


if __name__ == "__main__":
    main()

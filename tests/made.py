"""Small image files for tests."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

CHANNELS = {"L": 1, "RGB": 3, "RGBA": 4, "CMYK": 4, "LA": 2}


def noise(mode: str = "RGB", size: tuple[int, int] = (12, 10), seed: int = 0) -> Image.Image:
    """An image of random pixels; ``size`` is (width, height)."""
    values = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], CHANNELS[mode]), np.uint8)
    return Image.fromarray(values.squeeze(2) if mode == "L" else values, mode=mode)


def write(path: Path, mode: str = "RGB", size: tuple[int, int] = (12, 10), seed: int = 0, **options: Any) -> Path:
    """Saves ``noise``, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise(mode, size, seed).save(path, **options)
    return path


def folder(path: Path, n: int, mode: str = "RGB", size: tuple[int, int] = (12, 10)) -> Path:
    """A folder of n PNG files 000.png, 001.png, ..."""
    for i in range(n):
        write(path / f"{i:03}.png", mode, size, seed=i)
    return path


def table(tmp_path: Path, text: str) -> Path:
    """A CSV file of this text."""
    path = tmp_path / "mine.csv"
    path.write_text(text, encoding="utf-8")
    return path

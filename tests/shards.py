"""Small Parquet and tar files for tests."""

import io
import tarfile
from pathlib import Path
from typing import Any

from made import noise


def png(mode: str = "RGB", seed: int = 0) -> bytes:
    file = io.BytesIO()
    noise(mode, seed=seed).save(file, "PNG")
    return file.getvalue()


def parquet(path: Path, columns: dict[str, list[Any]], **options: Any) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path, **options)
    return path


def tar(path: Path, files: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as shard:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            shard.addfile(info, io.BytesIO(content))
    return path


def labelled_tars(folder: Path, shards: int, images: int, classes: int = 3, size: tuple[int, int] = (12, 12)) -> Path:
    """``train-0000.tar`` and so on, each image with its class; no two images are the same."""
    for shard in range(shards):
        files = {}
        for image in range(images):
            encoded = io.BytesIO()
            noise("L", size, seed=1000 * shard + image).save(encoded, "PNG")
            files[f"{shard:02d}{image:04d}.png"] = encoded.getvalue()
            files[f"{shard:02d}{image:04d}.cls"] = str((shard + image) % classes).encode()
        tar(folder / f"train-{shard:04d}.tar", files)
    return folder

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

"""Cells of a table that takes hours: each is written as it comes, and is not made again."""

import json
from pathlib import Path
from typing import Any


def read(out: Path) -> list[dict[str, Any]]:
    """Those that stand in OUT/results.jsonl; the folder is made."""
    out.mkdir(parents=True, exist_ok=True)
    results = out / "results.jsonl"
    return [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []


def keep(out: Path, cell: dict[str, Any]) -> None:
    """Writes one more, and prints it."""
    with (out / "results.jsonl").open("a") as file:
        file.write(json.dumps(cell) + "\n")
    print(json.dumps(cell), flush=True)

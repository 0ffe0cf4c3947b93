"""README.md of a folder for a model hub: what the model is, how good it is and how it is opened, for people who do not
have the run. It names no path of the machine that trained it."""

import html
import re
from collections.abc import Mapping
from typing import Any

from latelier.config.settings import words
from latelier.runs.hub import WEIGHTS
from latelier.runs.run import Run
from latelier.storage import json_records
from latelier.storage.schemas import VerdictNote
from latelier.terminal.say import printable
from latelier.terminal.tables import counted, with_spread

MARKS = re.compile(r"([\\`*_{}\[\]#|~])")  # what Markdown reads as more than itself
FEW = 50  # classes that are named
OPENING = """
```python
import latelier

model = latelier.load("hf://USER/REPOSITORY")  # or the path of this folder
```

```sh
latelier encode FOLDER IMAGES --out codes.parquet
```
"""


def model_card(run: Run) -> str:
    """The page as Markdown, with a head of YAML as hubs read it. The licence is left to the user who publishes it."""
    shown = run.name
    sections = [
        f"# {plain(shown)}",
        f"A {plain(run.card.model)} trained with latelier {plain(_versions(run))}.".replace(" .", "."),
        "**Licence: not chosen.** Write it here and in the first lines of this file (`license:`) before you publish.",
        "## What it is",
        _table(("", ""), _facts(run)),
        "## How good it is",
        _verdict(run),
        _scores(run),
        "## How to open it",
        OPENING.strip(),
        f"Opening it runs no code of this folder: `{WEIGHTS}` holds tensors, and `config.json` has their sha256.",
    ]
    return f"{_head(run)}\n" + "\n\n".join(filter(None, sections)) + "\n"


def plain(text: object) -> str:
    """The text on one line, as Markdown shows it and no markup of its own."""
    line = " ".join(printable(str(text)).split())
    return MARKS.sub(r"\\\1", html.escape(line, quote=False))


def _head(run: Run) -> str:
    tags = ["latelier", run.card.model, *([run.card.head["kind"]] if run.card.head else [])]
    lines = ["library_name: latelier", "license: unknown", "tags:", *(f"- {_word(tag)}" for tag in tags)]
    if run.card.classes and run.card.head:
        lines.append("pipeline_tag: image-classification")
    return "\n".join(["---", *lines, "---", ""])


def _word(text: str) -> str:
    return re.sub(r"[^\w-]", "-", text, flags=re.ASCII)


def _versions(run: Run) -> str:
    return str(run.config.get("versions", {}).get("latelier", ""))


def _facts(run: Run) -> list[tuple[str, str]]:
    data, card = run.config.get("data", {}), run.card
    c, h, w = run.model.image
    classes = f"{len(card.classes)}: {', '.join(card.classes[:FEW])}{', ...' if len(card.classes) > FEW else ''}"
    numbers = sum(tensor.numel() for tensor in run.model.state_dict().values())
    found = {
        "method": card.model,
        "settings": " ".join(words(card.config)),
        "label head": " ".join(words(card.head or {})),
        "caption head": " ".join(words(card.caption or {})),
        "classes": classes if card.classes else "",
        "weights": f"{numbers:,} numbers",
        "images": f"{h} x {w}, {'grey' if c == 1 else 'colour'}",
        "trained on": f"{counted(data['images'], 'image')} of {_name(data)}" if "images" in data else "",
        "seen": counted(run.seen, "image"),
        "seed": str(run.config.get("request", {}).get("seed", "")),
    }
    return [(name, text) for name, text in found.items() if text]


def _name(data: Mapping[str, Any]) -> str:
    """What images were called, without the folders above."""
    return re.split(r"[/\\]", str(data.get("source", "")).rstrip("/\\"))[-1] or "images"


def _verdict(run: Run) -> str:
    path = run.folder / "verdict.json"
    note = json_records.kept(path, VerdictNote, "the card has no verdict") if run.folder.is_dir() else None
    if note is None or note["seen"] != run.seen:
        return "It was not measured: `latelier report RUN` measures it."
    said = (finding["text"] for finding in note["findings"] if not finding["text"].startswith("Next: "))
    return "\n".join(f"- {plain(_unplaced(run, text))}" for text in said)


def _scores(run: Run) -> str:
    parts = []
    for record in run.scores:
        if "reason" in record:
            continue
        rows = list(with_spread(record["values"], record["n"]).items())
        protocol = f"{_unplaced(run, record['protocol'])} n = {record['n']:,}, seed {record.get('seed', 0)}."
        title = f"**{plain(record['name'])}** on {plain(_name({'source': record['data']}))}"
        parts.append(f"{title}\n\n{_table(('', 'value'), rows)}\n\n{plain(protocol)}")
    return "\n\n".join(parts)


def _unplaced(run: Run, text: str) -> str:
    """The text with names alone where it has paths of the training's images or of the run."""
    source = str(run.config.get("data", {}).get("source", ""))
    for path, name in ((source, _name({"source": source})), (str(run.folder), run.name)):
        text = text.replace(path, name) if path else text
    return text


def _table(columns: tuple[str, ...], rows: list[tuple[str, str]]) -> str:
    lines = [columns, ("---",) * len(columns), *(tuple(map(plain, row)) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)

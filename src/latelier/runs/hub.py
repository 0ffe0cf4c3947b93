"""Folders in the form of a model hub: ``config.json``, ``model.safetensors`` and ``README.md``, read from a disk or,
for ``hf://user/repository``, downloaded. Nothing in them is run: weights and settings go through the same doors as
a run's, and files of code are not downloaded."""

import re
from pathlib import Path

from latelier.data.packing.pack import cache_folder
from latelier.errors import Refusal, in_words
from latelier.storage import files, json_records
from latelier.storage.paths import place
from latelier.storage.schemas import CardNote, HubNote

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
FORMAT = 1
SCHEME = "hf://"
ADDRESS = re.compile(r"hf://([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@([A-Za-z0-9][\w./-]*))?")


def local(run: str | Path, option: str = "RUN") -> Path:
    """The path of a run; of ``hf://user/repository[@revision]`` that of its files, which are downloaded into the cache.
    Raises Refusal where they cannot be."""
    if not (isinstance(run, str) and run.startswith(SCHEME)):
        return place(run, option)
    match = ADDRESS.fullmatch(run)
    if match is None or ".." in run:
        raise Refusal(f"{run} is no model of a hub; give hf://user/repository or hf://user/repository@revision")
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise Refusal(f'{run} needs huggingface_hub, not installed here: pip install "latelier[remote]"') from error
    repository, revision = match[1], match[2]
    name = f"{repository}@{revision or 'main'}".replace("/", "--")
    folder = cache_folder(None) / "hub" / name
    try:
        snapshot_download(repository, revision=revision, local_dir=folder, allow_patterns=[CONFIG, WEIGHTS, CARD])
    except Exception as error:  # the library's, of its HTTP client, of the disk
        raise Refusal(f"cannot download {run}: {in_words(error)}") from error
    return folder


def found(run: str | Path) -> Path:
    """``local``, of a run that is there. Raises Refusal for one that is not, too."""
    path = local(run)
    if not path.exists():
        raise Refusal(
            f"no run at {run}: the folder does not exist; train one with: latelier train MODEL --data SRC --out {run}"
        )
    return path


def is_hub_folder(folder: Path) -> bool:
    """Whether it holds a model's weights in a hub's form."""
    return (folder / WEIGHTS).is_file() and (folder / CONFIG).is_file()


def weights_of(folder: Path) -> tuple[Path, CardNote]:
    """The file of its weights, and what config.json says they are of. Raises Refusal where they are not those of which
    it tells."""
    note = json_records.read(folder / CONFIG, HubNote, "download or export it again", newest=FORMAT)
    path = folder / WEIGHTS
    if files.sum_of(path)[0] != note["weights"]["sha256"]:
        raise Refusal(f"{path} is damaged: its sha256 is not that of {CONFIG}; download or export it again")
    return path, note["model"]

"""Tables of any length, written block by block: memory holds a block, and a command that was interrupted goes on."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from latelier.core import Model
    from latelier.data.images import Images
    from latelier.storage.unfinished import Unfinished

GROUP, BYTES = 65_536, 64 << 20  # rows of a row group of Parquet, and bytes of them at most


class Block(NamedTuple):
    """Rows of some images."""

    rows: Any  # as the table takes them
    done: int  # images, with these
    state: dict[str, Any]  # fit for JSON: what is carried on from block to block


class Table(Protocol):
    """A form of table."""

    def content(self, rows: Any, first: bool) -> bytes:
        """A block as bytes that can stand one after another, behind the header where it is the ``first``."""

    def finish(self, part: "Unfinished") -> None:
        """Makes the file of all of these bytes."""


class Csv:
    """Rows are sequences of cells. ``quoted`` if any cell of all ``parts_cells``."""

    def __init__(self, columns: Sequence[str], quoted: bool):
        self.columns, self.quoted = columns, quoted

    def content(self, rows: Iterable[Sequence[str]], first: bool) -> bytes:
        from latelier.storage.files import csv_lines

        text = csv_lines([*([self.columns] if first else []), *rows], self.quoted)
        return text.encode(errors="surrogateescape")

    def finish(self, part: "Unfinished") -> None:
        part.rename()


class Parquet:
    """Rows are tables of pyarrow. What grows is a stream of Arrow's, as a file of Parquet ends in its index and can be
    read and carried on only when it is whole; the file has row groups of ``GROUP`` rows or a few more."""

    def content(self, rows: Any, first: bool) -> bytes:
        batches = rows.combine_chunks().to_batches()
        messages = [*([rows.schema] if first else []), *batches]
        return b"".join(message.serialize().to_pybytes() for message in messages)

    def finish(self, part: "Unfinished") -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        from latelier.storage import files

        with (
            pa.ipc.open_stream(part.content()) as found,
            files.replacing(part.out) as file,
            pq.ParquetWriter(file, found.schema, use_dictionary=_repeating(found.schema)) as writer,
        ):
            for group in _groups(found):
                writer.write_table(pa.Table.from_batches(group), 2 * GROUP)


def _repeating(schema: Any) -> list[str]:
    """The columns whose values occur again; a dictionary of floats is longer than the floats."""
    import pyarrow as pa

    return [field.name for field in schema if not pa.types.is_floating(field.type)]


def _groups(batches: Iterable[Any]) -> Iterator[list[Any]]:
    """Batches of Arrow's by the row group."""
    held: list[Any] = []
    for batch in batches:
        held.append(batch)
        if sum(one.num_rows for one in held) >= GROUP or sum(one.nbytes for one in held) >= BYTES:
            yield held
            held = []
    if held:
        yield held


def stream(
    table: Table, out: Path, task: str, blocks: Callable[[int, Mapping[str, Any]], Iterator[Block]]
) -> dict[str, Any]:
    """Writes a table, of which ``blocks`` gives what follows a number of images and the state there, and returns the
    last state. ``task`` (``task_of``) is all that it depends on: an interrupted command with the same goes on where it
    was, and what it writes in the end is byte for byte what it would have been at once. Raises Refusal where it cannot
    be written; an old file is then as it was."""
    from latelier.device import prepare_cpu
    from latelier.storage.unfinished import unfinished

    prepare_cpu()  # a third of the time of a convolutional encoder went into pages that each block faulted in again
    with unfinished(out, task) as part:
        for block in blocks(part.done, part.state):
            part.add(table.content(block.rows, part.done == 0), block.done, block.state)
        state = part.state
        table.finish(part)
    return state


def task_of(verb: str, model: "Model", images: "Images", *options: object) -> str:
    """32 hex digits that tell a verb's work on these images, with these weights, options (fit for JSON), versions and
    processor, from all other: numbers differ in their last digits between processors and numbers of threads."""
    import json
    from hashlib import sha256

    import torch

    from latelier import __version__
    from latelier.codes.rows import device_of

    digest, device = sha256(), device_of(model)
    processor = torch.cuda.get_device_name(device) if device.type == "cuda" else torch.backends.cpu.get_cpu_capability()
    exactness = [str(device), processor, torch.get_num_threads(), torch.get_float32_matmul_precision()]
    versions = [__version__, torch.__version__]
    digest.update(json.dumps([verb, options, versions, exactness, images.fingerprint, images.source]).encode())
    for name in images.names:
        digest.update(str(name).encode(errors="surrogateescape") + b"\0")
    for name, tensor in model.state_dict().items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()[:32]

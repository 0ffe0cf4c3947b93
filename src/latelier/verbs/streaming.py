"""Tables of any length, written block by block: memory holds a block, and a command that was interrupted goes on.

Processes that a launcher started share the images, in contiguous shares: each writes the rows of its own beside the
output, and process 0 joins them, to the bytes that one process writes."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, Protocol

if TYPE_CHECKING:
    from latelier.core import Model
    from latelier.data.images import Images
    from latelier.storage.unfinished import Unfinished

GROUP, BYTES = 65_536, 64 << 20  # rows of a row group of Parquet, and bytes of their numbers at most
P = ParamSpec("P")
# Images of which shares are multiples, as all blocks divide it: each image has the batch mates that it has alone.
SHARE = 512
Last = dict[str, Any]  # a state of a block


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
    read and carried on only when it is whole; the file has row groups of ``GROUP`` rows, wherever blocks ended."""

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
            for group in _groups(found, found.schema):
                writer.write_table(group, GROUP)


def _repeating(schema: Any) -> list[str]:
    """The columns whose values occur again; a dictionary of floats is longer than the floats."""
    import pyarrow as pa

    return [field.name for field in schema if not pa.types.is_floating(field.type)]


def _groups(batches: Iterable[Any], schema: Any) -> Iterator[Any]:
    """Batches of Arrow's as tables of one row group each, of one piece."""
    import pyarrow as pa

    width = sum(field.type.bit_width // 8 for field in schema if pa.types.is_primitive(field.type))
    most, held, rows = max(1, min(GROUP, BYTES // max(1, width))), list[Any](), 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        while rows >= most:
            table = pa.Table.from_batches(held, schema)
            yield table.slice(0, most).combine_chunks()
            rows -= most
            held = table.slice(most).to_batches()
    if rows:
        yield pa.Table.from_batches(held, schema).combine_chunks()


def stream(
    table: Table,
    out: Path,
    task: str,
    images: int,
    blocks: Callable[[int, int, Mapping[str, Any]], Iterator[Block]],
    merged: Callable[[Sequence[Last]], Last] = lambda states: states[-1],
) -> Last | None:
    """Writes a table of this many images, of which ``blocks`` gives what follows an image up to another and the state
    there, and returns the last state, of several processes those that are not empty as ``merged``; None in all but
    process 0. ``task`` (``task_of``) is all that it depends on: an interrupted command with the same goes on where it
    was, and what it writes in the end is byte for byte what it would have been at once. Raises Refusal where it cannot
    be written; an old file is then as it was."""
    from latelier.device import prepare_cpu
    from latelier.engine import parallel
    from latelier.storage.unfinished import clear_shares, unfinished

    prepare_cpu()  # a third of the time of a convolutional encoder went into pages that each block faulted in again
    if parallel.world() > 1:
        return _shared(table, out, task, images, blocks, merged)
    with unfinished(out, task) as part:
        for block in blocks(part.done, images, part.state):
            part.add(table.content(block.rows, part.done == 0), block.done, block.state)
        state = part.state
        table.finish(part)
    clear_shares(out)
    return state


def _shared(
    table: Table,
    out: Path,
    task: str,
    images: int,
    blocks: Callable[[int, int, Mapping[str, Any]], Iterator[Block]],
    merged: Callable[[Sequence[Last]], Last],
) -> Last | None:
    """As ``stream``, of several processes. What each has written stays until it is joined."""
    from latelier.engine import parallel
    from latelier.errors import Refusal
    from latelier.storage.unfinished import clear_shares, data_of, join, share_of, unfinished

    own, count = parallel.rank(), parallel.world()
    starts = [min(images, SHARE * (-(-images // SHARE) * r // count)) for r in range(count + 1)]
    start, stop = starts[own], starts[own + 1]
    with unfinished(share_of(out, own), f"{task} {start} {stop}") as part:
        if len(set(parallel.gathered(task, "read the images"))) > 1:
            raise Refusal("the processes have other images, weights, processors or versions; all must have the same")
        if not data_of(share_of(out, 0)).exists():
            raise Refusal(
                f"what process 0 writes is not seen by process {own}: all machines must see one folder of {out}"
            )
        for block in blocks(start + part.done, stop, part.state):
            content = table.content(block.rows, start + part.done == 0)
            part.add(content, block.done - start, block.state)
        part.note()
        found = parallel.gathered([*part.written, part.state], "write their rows")
        state = None
        if own == 0:
            with unfinished(out, f"{task} joined") as whole:
                join(whole, [(size, total) for size, total, _ in found])
                table.finish(whole)
            state = merged([one for *_, one in found if one])
        parallel.wait("join the rows")
    if own == 0:
        clear_shares(out)
    return state


def in_processes(verb: Callable[P, Path]) -> Callable[P, Path]:
    """The verb in each of the processes that a launcher started, if one did."""

    @wraps(verb)
    def joined(*arguments: P.args, **options: P.kwargs) -> Path:
        from latelier.engine import parallel

        with parallel.processes():
            return verb(*arguments, **options)

    return joined


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
    exactness = [device.type, processor, torch.get_num_threads(), torch.get_float32_matmul_precision()]
    versions = [__version__, torch.__version__]
    digest.update(json.dumps([verb, options, versions, exactness, images.fingerprint, images.source]).encode())
    for name in images.names:
        digest.update(str(name).encode(errors="surrogateescape") + b"\0")
    for name, tensor in model.state_dict().items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()[:32]

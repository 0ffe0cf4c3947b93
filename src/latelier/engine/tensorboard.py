"""TensorBoard, if it is asked for: every term of the log and every validation, over images seen."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from latelier.errors import Refusal


def check_board() -> None:
    """Raises Refusal where the extra is not installed."""
    if find_spec("tensorboard") is None:
        raise Refusal('--tensorboard needs an extra: pip install "latelier[tensorboard]"')


@contextmanager
def board(folder: Path, wanted: bool) -> Iterator[Callable[[dict[str, Any]], None]]:
    """A function that takes each record of the log; it does nothing unless ``wanted``."""
    if not wanted:
        yield lambda record: None
        return
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(folder / "tensorboard")) as writer:

        def show(record: dict[str, Any]) -> None:
            for kind in ("terms", "validation"):
                for name, value in record.get(kind, {}).items():
                    writer.add_scalar(f"{kind}/{name}", value, record["seen"])

        yield show

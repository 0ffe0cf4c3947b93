"""Training one layer after the other: which one it is the turn of."""

from latelier.core import Progress


def stage(progress: Progress, layers: int, share: float = 1.0) -> tuple[int, float]:
    """Number of the layer that learns now, from 0, and how far it is through its own training, from 0 to 1.

    The layers divide the first ``share`` of the run among them equally; after it the number is ``layers``: all learn.
    """
    done = progress.seen / progress.total / share * layers if share else layers
    return (int(done), done % 1) if done < layers else (layers if share < 1 else layers - 1, 1.0)

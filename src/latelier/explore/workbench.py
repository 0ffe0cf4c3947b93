"""What the runs over one set of images share on the page: labels, selections, and the trainings that are started."""

from hashlib import sha256
from pathlib import Path

from latelier.data.images import Images
from latelier.explore.jobs import Jobs
from latelier.explore.label_book import LabelBook
from latelier.explore.selections import Selections

LABELS = Path("labelling") / "labels.csv"  # in a run, where the user names no file
LOOKED_AT = 10_000  # names that tell sets of images apart


class Workbench:
    """Of one set of images."""

    def __init__(self, images: Images, labels: Path, jobs: Jobs):
        """Raises Refusal as ``LabelBook`` does."""
        self.book = LabelBook(images, labels)
        whole = len(images.classes) > 0 and bool((images.label >= 0).all())
        self.truth = [str(images.classes[i]) for i in images.label] if whole else []  # to measure on, or unknown
        self.selections = Selections(len(images))
        self.jobs = jobs


def same_images(images: Images) -> str:
    """Alike for sets of the same images in the same order, whatever size and labels a run sees them with."""
    names = images.names[:: max(1, len(images) // LOOKED_AT)]
    known = sha256("\n".join(map(str, names)).encode(errors="surrogateescape")).hexdigest()[:16]
    return f"{images.source} {len(images)} {known}"


def label_file(run: Path) -> Path:
    """Where the labels of a run's images are kept: in its folder, or beside a lone weights file."""
    return (run.parent if run.is_file() else run) / LABELS

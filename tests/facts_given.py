"""Facts of sound models, that tests of rules begin with."""

from latelier.core import Finding
from latelier.rules.shared import SETTLED

GOOD = {"seen": 0.0, "PSNR": 22.4, "PSNR of PCA": 24.7, "components": 32.0, "PSNR of mean": 14.1}
GAME = {"seen": 0.0, "own error": 0.6, "other error": 1.0, "shown": 2.0 * SETTLED}
DRAWN = {"seen": 0.0, "drawn apart": 1.0, "drawn distance": 0.01, "drawn distance of Gaussian": 0.0}
DRAWN |= {"drawn distance of mean": 1.0}
CODES = {"accuracy of codes": 80.0, "accuracy of pixels": 70.0, "accuracy of PCA": 69.0, "accuracy lead error": 2.0}
CODES |= {"images": 400.0, "largest class": 50.0, "labels a class": 10.0}
HEAD = {"seen": 0.0, "images": 400.0, "accuracy": 90.0, "largest class": 50.0}
HEAD |= {"baseline accuracy": 80.0, "baseline labels": 100.0}


def only(found: list[Finding]) -> Finding:
    (finding,) = found
    return finding

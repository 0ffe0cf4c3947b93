"""What facts of a trained model say of it, in a sentence for a person: rules that methods share.

Each is a pure function of named numbers (``latelier.verdict.facts`` names them), and silent where it lacks one. The
remedies are those of a method's own settings, where it names them."""

import math
from collections.abc import Sequence
from typing import Literal

from latelier.rules.finding import Finding
from latelier.rules.labels import LABELS_LEARNED, Facts, classified, known, unlabelled
from latelier.rules.samples import NEARER, beside, sampled

THOUSAND = 1_000  # times its start: a loss that has diverged
ABSURD = 100_000  # a pixel value: so has one that was lost before the log began; grey pixels cost a few, at most
LEARNED, LITTLE = 0.5, 0.15  # shares of the way, in dB, from the mean image to PCA of the same size
ABOVE = 1.0  # dB above the mean image that count for anything where there is no PCA
RELATED = 0.8  # squared error to the own image, as a share of that to another
SHORT = 0.5  # dB below the mean image: hardly trained
FEW = 0.25  # share of the units that are active
SETTLED = 200_000  # images shown, after which a game whose two sides are apart is worth a word
PARTED = 0.95  # squared error to the own image, as a share of that to others, above which they are
TAUGHT = 10_000  # images shown, after which a decoder knows the mean image, whatever its code carries
RISES = 1.1  # times what the code carried in the middle of training: it still comes to carry more
COLLAPSED, SAME = "The posterior has collapsed", "All images that were looked at are one and the same"
VAIN = (COLLAPSED, SAME)  # how sentences begin that more training mends nothing of
UNLEARNED = ("Has not learned", "Has learned little")  # how sentences begin for which training on is a remedy


def usual(facts: Facts, drawing: str = NEARER, level: Literal["note", "warning"] = "note") -> list[Finding]:
    """All rules, for a method that is to keep its images; where it keeps them, of samples only what is bad.
    ``drawing`` is what helps where images are kept well and drawn poorly, which is a warning for a game."""
    if found := hopeless(facts):
        return found
    if "accuracy" in facts:
        found += classified(facts)
    if "PSNR" in facts:
        learned = any(finding.text.startswith(LABELS_LEARNED) for finding in found)
        found += [aside(finding) if learned else finding for finding in kept(facts)]
    elif "accuracy" not in facts:
        found += sampled(facts)
    found += used(facts)
    if "PSNR" in facts and not early(facts) and way_to_pca(facts) >= LEARNED:  # before, there is more to mend
        found += beside(facts, drawing, level)
    return [*found, *unlabelled(facts), *known(facts)]  # which has no remedy


def game(facts: Facts, apart: str, alike: str) -> list[Finding]:
    """The rules for a method that is trained by an adversary: its reconstructions are to be of their own images, not
    near to every pixel. ``apart`` and ``alike`` are remedies where encoder and decoder have come apart, and where all
    samples look alike."""
    if found := hopeless(facts):
        return found
    images = [*related(facts, apart), *sampled(facts, alike)]
    return [*classified(facts), *images, *unlabelled(facts), *known(facts)]


def hopeless(facts: Facts) -> list[Finding]:
    """Of a training that failed, or had nothing to learn: then nothing else is said."""
    if "alike" in facts:
        said = f"{SAME}, so there is nothing to learn: see what latelier data says of the source."
        return broken(facts) or [Finding("warning", said)]
    return broken(facts)


def broken(facts: Facts) -> list[Finding]:
    """Of a training that failed."""
    if not facts.get("finite", 1.0):
        return [Finding("failure", "Training failed: what the model gives is not finite; train again at a lower rate.")]
    grown = {name.removeprefix("grown "): value for name, value in facts.items() if name.startswith("grown ")}
    for term, value in grown.items():
        if not math.isfinite(value):
            return [Finding("failure", f"Training failed: {term} is not finite; train again at a lower rate.")]
        if value >= THOUSAND:
            times = f"{term} is {_size(value)} times what it was at the start"
            return [Finding("failure", f"Training failed: {times}; train again at a lower rate.")]
    for term in SUMMED:
        if (value := facts.get(f"a value {term}", 0.0)) >= ABSURD:
            said = f"{term} is {_size(value)} a pixel value"
            return [Finding("failure", f"Training failed: {said}; train again at a lower rate.")]
    return []


def _size(value: float) -> str:
    return f"{value:,.0f}" if value < 1e6 else "more than a million"


def early(facts: Facts) -> bool:
    """Whether reconstructions are not even as near as the mean image is."""
    return facts.get("PSNR", 0.0) < facts.get("PSNR of mean", 0.0) - SHORT


def way_to_pca(facts: Facts) -> float:
    """The share, in dB, of the way from the mean image to PCA that reconstructions have come; infinite without."""
    mean, pca = facts.get("PSNR of mean", math.nan), facts.get("PSNR of PCA", math.nan)
    return (facts["PSNR"] - mean) / (pca - mean) if pca > mean else math.inf


def kept(facts: Facts) -> list[Finding]:
    """How near reconstructions come, on the way from the mean image to PCA of as many numbers."""
    if "PSNR" not in facts:
        return []
    own, mean, pca = (facts.get(name, math.nan) for name in ("PSNR", "PSNR of mean", "PSNR of PCA"))
    which = "images that it saw" if facts["seen"] else "unseen images"
    if math.isnan(mean):
        return [Finding("note", f"Reconstructs {which} at {own:.1f} dB; one image has no mean and no PCA beside it.")]
    size, numbers = facts.get("components", 0.0), facts.get("numbers", 0.0)
    beside = f"PCA with as many numbers ({size:.0f}) has {pca:.1f}, "
    if size < numbers:
        beside = (
            f"PCA with {size:.0f} numbers has {pca:.1f} (with the code's {numbers:,.0f} it would know all by heart), "
        )
    said = f"reconstructs {which} at {own:.1f} dB; {beside if math.isfinite(pca) else ''}the mean image {mean:.1f}."
    way = way_to_pca(facts)
    if own - mean < ABOVE or way < LITTLE:
        return [Finding("warning", f"Has not learned: {said}")]
    if way < LEARNED:
        return [Finding("warning", f"Has learned little, its images are blurs: {said}")]
    if size >= numbers and own - pca > max(0.1, 2 * facts.get("PSNR lead error", 0.0)):
        return [Finding("good", f"Learned, and more than PCA: {said}")]
    return [Finding("good", f"Learned: {said}")]


def aside(finding: Finding) -> Finding:
    """Of images that are kept poorly beside labels that are learned: these were asked for, and may cost that."""
    text = f"Beside the labels it {finding.text[:1].lower()}{finding.text[1:]}"
    return Finding("note", text) if finding.level == "warning" else finding


def related(facts: Facts, remedy: str) -> list[Finding]:
    """Whether reconstructions are of their own images."""
    if "own error" not in facts:
        return []
    share = facts["own error"] / max(facts["other error"], 1e-10)
    said = f"the squared error to the own image is {share:.2f} of that to another (1: no relation)"
    if share > PARTED and facts.get("shown", math.inf) <= SETTLED:
        return [Finding("warning", f"Has not learned to reconstruct: {said}.")]
    if share > PARTED:
        text = f"Encoder and decoder have come apart: reconstructions have nothing of their images; {said}: {remedy}."
        return [Finding("warning", text)]
    if share > RELATED:
        return [Finding("note", f"Reconstructions keep little of their images so far: {said}.")]
    return [Finding("good", f"Learned to reconstruct: {said}.")]


def used(facts: Facts) -> list[Finding]:
    """Whether the posterior has collapsed onto the prior, in part or whole. While what the code carries still rises it
    has not, nor in a model that has not been trained yet; and while it has learned little more units may come to carry
    something."""
    if "units" not in facts:
        return []
    active, units = int(facts["active units"]), int(facts["units"])
    untaught = early(facts) and facts.get("shown", 0.0) < TAUGHT
    if active == 0 and not untaught and not facts.get("code rising"):
        text = f"{COLLAPSED}: none of {units} units of the code carries 0.1 nats; lower the KL's weight"
        return [Finding("warning", f"{text}, or let it rise slowly.")]
    if 0 < active < FEW * units and not early(facts) and ("PSNR" not in facts or way_to_pca(facts) >= LEARNED):
        text = f"Only {active} of {units} units of the code carry 0.1 nats or more; fewer would do, or lower the KL's"
        return [Finding("note", f"{text} weight.")]
    return []


def grown(first: Facts, last: Facts) -> dict[str, float]:
    """How many times its start each loss is at the end, as facts "grown TERM", from means of the report's terms. A loss
    that started below 1 counts from 1; one that got better, as a density's falls through 0, has not grown."""
    return {
        f"grown {term}": abs(last[term]) / max(1.0, abs(first[term])) if math.isfinite(last[term]) else math.inf
        for term in LOSSES
        if term in first
        and term in last
        and not (last[term] > first[term] if term == "elbo" else last[term] < first[term])
    }


def absurd(last: Facts, values: int) -> dict[str, float]:
    """How much each loss that is summed over this many pixel values costs a value at the end, where it costs anything,
    as facts "a value TERM"."""
    costs = {term: -last[term] if term == "elbo" else last[term] for term in SUMMED if term in last}
    return {f"a value {term}": cost / values for term, cost in costs.items() if cost > 0}


def rising(log: Sequence[Facts]) -> dict[str, float]:
    """Whether the code carries more at the end than in the middle, as the fact "code rising", of means of the report's
    terms: it does where a model has only begun to learn, and carries less where the posterior collapses."""
    carried = [sum(terms[name] for name in CARRIED if name in terms) for terms in log if not CARRIED.isdisjoint(terms)]
    return {"code rising": float(carried[-1] > RISES * carried[(len(carried) - 1) // 2])} if len(carried) > 1 else {}


SUMMED = ("distortion", "error", "absolute error", "squared error", "rate", "elbo")
CARRIED = frozenset({"rate", "KL code", "KL occurrence", "KL appearance"})  # nats of codes, by the methods' names
# Terms that only fall where training goes well. The others, a KL say, may begin at 0 and rise.
LOSSES = (
    *("distortion", "error", "absolute error", "squared error", "cross-entropy", "elbo"),
    *("critic", "coder", "generator", "fooling", "label loss"),
)

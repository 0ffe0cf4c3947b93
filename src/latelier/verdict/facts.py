"""Named numbers of a trained model on a bounded number of images: what verdicts are made of, in a few seconds.

Everything is deterministic and draws from generators of its own. A fact that cannot be measured is left out.

    images, seen      how many were measured; 1 if the model saw them in training
    finite              0 if codes, reconstructions or drawn images are not all finite numbers
    PSNR                dB, mean over images, of the most likely code's mean image; beside it "PSNR of PCA" of this many
                        "components": as many as the code has "numbers" that are not 0, or at most 50 where PCA of as
                        many would know its images by heart; "PSNR of mean", the mean image, and "PSNR lead error",
                        the standard error of the lead over PCA
    own error           squared error a pixel value of reconstructions; "other error": to another image
    units               of the code (numbers, channels of a map, parts); "active units": those of 0.1 nats or more
    drawn distance      kernel distance (a fixed random trunk) of samples to the images; beside it "... of Gaussian",
                        fitted to pixels, and "... of mean", the mean image
    drawn apart         squared distance of two samples, as a share of that of two images
    accuracy            % of the model's classifier; beside it "largest class", of guessing, and "baseline accuracy", of
                        logistic regression on PCA of pixels from "baseline labels"; "labelled": of how many
    accuracy of codes   % of linear probes from "labels a class"; beside it "... of pixels", "... of PCA", "largest
                        class" and "accuracy lead error", the standard error of the lead over pixels
    guess               only where classes are uneven: balanced accuracy of a constant answer, %. Those of codes, pixels
                        and PCA are balanced then; of a classifier there are "balanced accuracy" with its "balanced
                        error", and "balanced baseline", too
    unlabelled          1, only where the model has a classifier and fewer than two of the images have a label
    alike               1, only where all images are one and the same

What is measured of attributes, ``attribute_facts`` names. A verdict adds from the run "shown", images shown in
training, and "grown TERM" (``rules.grown``).
"""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latelier.codes.rows import codes, device_of, pixels, rows_of, some
from latelier.core import AttributeDirections, Classifies, Decodes, Encodes, Model, Samples, has, need
from latelier.data.images import Images
from latelier.data.subsets import labelled_rows
from latelier.errors import Refusal
from latelier.learners import regression
from latelier.learners.space import COMPONENTS, principal, scaling
from latelier.nets.eval_mode import evaluating
from latelier.scores.common import Splits, majority
from latelier.scores.confusion import uneven
from latelier.scores.reconstruction import psnr
from latelier.verdict.attribute_facts import attributed
from latelier.verdict.sample_facts import drawn

FIT, FIT_VALUES = (200, 2_000), 12_000_000  # images that baselines learn from, and pixel values that they may have
TEST, TEST_VALUES = (64, 500), 6_000_000  # images that are measured
BLOCK = 128  # images on the device at once
ACTIVE = 0.1  # nats, mean over images
BUDGETS, BUDGET = (100, 10, 5, 2, 1), 300  # labels a class tried, and labels at most
DRAWS = 5
LABELLED = 2  # measured images with a label of which anything is said: of one a share is all or nothing
LABELS = 1_000  # that a classifier's baseline learns from at most


def measured(model: Model, data: Splits, *, supervised: bool, labels: int | None = None) -> dict[str, float]:
    """Facts of the model on a part of the test images; what its baselines learn, they learn from a part of ``fit``,
    and where the model saw the test images they do too. ``supervised``: whether the model learned from labels, which
    were ``labels`` a class or all."""
    fit, test = _part(data.fit, FIT, FIT_VALUES), _part(data.test, TEST, TEST_VALUES)
    facts = {"images": float(len(test)), "seen": float(data.seen)}
    known = np.concatenate([_rows(fit), _rows(test)]) if data.seen and fit is not test else _rows(fit)
    if len(known) > 1 and (known == known[0]).all() and all((block == block[0]).all() for block in test.blocks(BLOCK)):
        facts["alike"] = 1.0
    with torch.no_grad():
        if has(model, Encodes):
            facts |= _read(model, test, known)
        if has(model, Decodes) and has(model, Samples):
            facts |= drawn(model, test, known)
        if has(model, AttributeDirections) and facts.get("finite", 1.0):
            facts |= attributed(model, data.fit, test, labels)
    labelled = (test.label >= 0).sum() >= LABELLED
    if has(model, Classifies) and not labelled:
        facts["unlabelled"] = 1.0
    if labelled and len(np.unique(data.fit.label[data.fit.label >= 0])) > 1:
        if has(model, Classifies):
            facts |= _classified(model, data.fit, test, labels)
        elif has(model, Encodes) and not supervised and facts.get("finite", 1.0):
            facts |= _probed(model, data.fit, test)
    return facts


def _part(images: Images, bounds: tuple[int, int], values: int) -> Images:
    """As many images as hold ``values`` pixel values, within bounds; always the same ones."""
    least, most = bounds
    return some(images, min(most, max(least, values // int(np.prod(images.shape)))), 0)


def _rows(images: Images) -> np.ndarray:
    """float32 [n, values] in [0, 1]."""
    return np.concatenate([block.flatten(1).numpy() for block in images.blocks()])


def _read(model: Model, test: Images, known: np.ndarray) -> dict[str, float]:
    """Of the encoder: reconstructions and the units of the code."""
    encoder, decoder = need(model, Encodes), need(model, Decodes) if has(model, Decodes) else None
    rates, used, again, finite = list[Tensor](), list[Tensor](), list[Tensor](), True
    for block in test.blocks(BLOCK):
        with evaluating(model):
            posterior = encoder.encode(block.to(device_of(model)))
            mode, rate = posterior.mode(), posterior.rate()
            if decoder is not None:
                again.append(decoder.decode(mode).float().cpu().flatten(1))
        finite &= all(bool(value.isfinite().all()) for value in (*mode.values(), *again[-1:]))
        used.append(sum((code != 0).flatten(1).sum(1) for code in mode.values()).float().cpu())  # type: ignore[union-attr]
        if rate:
            units = [value.flatten(2).sum(2) if value.ndim > 2 else value for value in rate.values()]
            rates.append(torch.cat(units, 1).float().cpu())
    facts = {"finite": float(finite)}
    if rates:
        mean = torch.cat(rates).mean(0)
        facts |= {"units": float(len(mean)), "active units": float((mean >= ACTIVE).sum())}
    if not again or not finite:
        return facts
    numbers = round(float(torch.cat(used).mean()))  # what a code keeps at 0, as k-sparse ones do, says nothing
    return facts | _kept(_rows(test), torch.cat(again).numpy(), known, numbers)


def _kept(image: np.ndarray, again: np.ndarray, known: np.ndarray, numbers: int) -> dict[str, float]:
    """Of reconstructions [n, values], by codes of this many numbers, beside what PCA and the mean of the rows ``known``
    give."""
    own = _psnr(image, again)
    facts = {"PSNR": float(own.mean())}
    if len(known) > 1:  # one is its own mean
        facts |= {"PSNR of mean": float(_psnr(image, known.mean(0)).mean())}
    if len(image) > 1:
        facts |= {
            "own error": float(np.square(image - again).mean()),
            "other error": float(np.square(np.roll(image, 1, 0) - again).mean()),
        }
    most = min(known.shape) // 2  # beyond that PCA knows the images by heart
    components = numbers if numbers <= most else min(COMPONENTS, most // 2)
    if components > 0:
        pca = principal(known, components)
        best = _psnr(image, pca.inverse_transform(pca.transform(image)).clip(0, 1))
        error = float((own - best).std() / len(own) ** 0.5)
        facts |= {"PSNR of PCA": float(best.mean()), "PSNR lead error": error}
        facts |= {"components": float(components), "numbers": float(numbers)}
    return facts


def _psnr(image: np.ndarray, other: np.ndarray) -> np.ndarray:
    """dB, [n]."""
    return np.asarray(psnr(torch.from_numpy(image), torch.from_numpy(other)))


def _classified(model: Model, fit: Images, test: Images, labels: int | None) -> dict[str, float]:
    """Of the model's classifier, beside logistic regression on PCA of the pixels from as many labels."""
    test = test.take(np.flatnonzero(test.label >= 0))
    try:
        rows = np.flatnonzero(fit.label >= 0) if labels is None else labelled_rows(fit.label, labels, 0)
    except Refusal:  # a class has fewer of them here than it had in training
        rows = np.flatnonzero(fit.label >= 0)
    learned = some(fit.take(rows), LABELS, 0)
    answer = rows_of(model, test, need(model, Classifies).classify)
    right = answer.argmax(1) == test.label
    facts = _guess(test.label, right) | {
        "finite": float(np.isfinite(answer).all()),
        "accuracy": 100 * float(right.mean()),
        "largest class": majority(test.label),
        "labelled": float(len(test)),
    }
    if len(np.unique(learned.label)) > 1:
        known = pixels(learned)
        pca = principal(known)
        base = _right(pca.transform(known), learned.label, pca.transform(pixels(test)), test.label)
        facts |= {"baseline accuracy": 100 * float(base.mean()), "baseline labels": float(len(learned))}
        facts |= {"balanced baseline": 100 * float((base * _weights(test.label)).mean())} if "guess" in facts else {}
    return facts


def _probed(model: Model, fit: Images, test: Images) -> dict[str, float]:
    """What codes know of labels that the model never saw, beside pixels and their PCA."""
    test = test.take(np.flatnonzero(test.label >= 0))
    counts = np.unique(fit.label[fit.label >= 0], return_counts=True)[1]
    budget = next((n for n in BUDGETS if n <= counts.min() and n * len(counts) <= BUDGET), None)
    if budget is None:
        return {}
    draws = [labelled_rows(fit.label, budget, seed) for seed in range(DRAWS)]
    chosen = np.unique(np.concatenate(draws))
    pool = fit.take(chosen)
    spaces: dict[str, tuple[Any, Any]] = {
        "codes": (codes(model, pool), codes(model, test)),
        "pixels": (pixels(pool), pixels(test)),
    }
    pca = principal(spaces["pixels"][0], min(COMPONENTS, spaces["codes"][0].shape[1]))
    spaces["PCA"] = tuple(pca.transform(rows) for rows in spaces["pixels"])
    apart = uneven(test.label)
    right, weights = {}, _weights(test.label) if apart else np.ones(len(test))
    for space, (known, measured) in spaces.items():
        sets = (np.searchsorted(chosen, rows) for rows in draws)
        right[space] = np.stack([weights * _right(known[s], pool.label[s], measured, test.label) for s in sets])
    lead = right["codes"] - right["pixels"]
    # As if two more images had gone either way: a handful that all go one way prove nothing.
    spread = math.hypot(lead.mean(0).std(), 2 / (len(test) + 2) ** 0.5)
    error = np.hypot(spread / len(test) ** 0.5, lead.mean(1).std(ddof=1) / DRAWS**0.5)
    facts = {f"accuracy of {space}": 100 * float(found.mean()) for space, found in right.items()}
    facts |= {"largest class": majority(test.label), "labels a class": float(budget), "labelled": float(len(test))}
    facts |= {"guess": 100 / len(np.unique(test.label))} if apart else {}
    return facts | {"accuracy lead error": 100 * float(error)}


def _right(known: np.ndarray, label: np.ndarray, rows: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """[n] whether logistic regression, C = 1, that learned from ``known`` on one scale predicts the rows' classes."""
    scale = scaling(known)
    right: np.ndarray = regression.fit(scale(known), label).predict(scale(rows)) == truth
    return right


def _weights(label: np.ndarray) -> np.ndarray:
    """float64 [n]: what each image counts in a balanced accuracy, 1 on the mean."""
    _, place, counts = np.unique(label, return_inverse=True, return_counts=True)
    weights: np.ndarray = len(label) / len(counts) / counts[place]
    return weights


def _guess(label: np.ndarray, right: np.ndarray) -> dict[str, float]:
    """Of a classifier that is ``right`` [n] or not, where classes are uneven: its balanced accuracy, with the standard
    error, each class as if two more images had gone either way, and that of a constant answer."""
    if not uneven(label):
        return {}
    classes = [right[label == number] for number in np.unique(label)]
    shares = [((own.sum() + 1) / (len(own) + 2), len(own) + 2) for own in classes]
    error = math.sqrt(sum(share * (1 - share) / n for share, n in shares)) / len(classes)
    accuracy = float((right * _weights(label)).mean())
    return {"balanced accuracy": 100 * accuracy, "balanced error": 100 * error, "guess": 100 / len(classes)}

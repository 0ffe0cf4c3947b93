"""What a training knows of its images: their labels, attributes or captions, of which some may be hidden, and the
settings that follow from them."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import partial
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from latelier.config.own_code import with_named
from latelier.config.settings import assigned, nest
from latelier.core import Model, has, innermost, need
from latelier.data.attributes import hide_attributes, with_attributes
from latelier.data.captions import Sentences, has_caption, hide_captions, spoken
from latelier.data.images import NAMED, Images
from latelier.data.sources.shares import class_shares
from latelier.data.subsets import hide_labels
from latelier.data.words import Vocabulary
from latelier.errors import Refusal
from latelier.heads.caption import CAPTIONED
from latelier.heads.captioned import Captioned
from latelier.heads.joint import Joint
from latelier.runs.building import caption_config, config_of, takes_head, wants_captions, wants_head
from latelier.training.unlabelled import unlabelled_pay


class Supervision(NamedTuple):
    """The images as they are learned from and as validation may judge by them, and the model's settings."""

    images: Images
    whole: Images  # with nothing hidden
    settings: dict[str, Any]
    words: tuple[str, ...] = ()  # of a caption head, by token number
    sentences: Sentences | None = None  # what it learns from, of ``images``
    all_sentences: Sentences | None = None  # of ``whole``
    read: Callable[[Images], Sentences] | None = None  # the captions of other images in the same words

    @property
    def truth(self) -> np.ndarray | None:
        """All labels, [n] int64, where some were only hidden: they tell how often guesses are right."""
        hidden = (self.whole.label >= 0) & (self.images.label < 0)
        return self.whole.label if hidden.any() else None

    def alike(self, others: Images) -> Images:
        """Images of another split with the attributes that are learned."""
        return with_attributes(others, self.images.attributes) if "attributes" in self.settings else others

    def sentences_of(self, others: Images) -> Sentences | None:
        """The captions of another split."""
        return self.read(others) if self.read else None


def supervised(request: SimpleNamespace, images: Images, rows: np.ndarray) -> Supervision:
    """By the arguments of ``latelier train``; of ``rows`` --labels are kept. Raises Refusal for labels or attributes
    that the images do not have."""
    settings = assigned(request.settings)
    if request.card is None:  # they are the user's, and not a run's
        settings = with_named(settings)
    whole, count = images, request.labels
    own = learns_attributes(request.model)
    if own:
        whole = images = with_attributes(images, _names(settings.get("attributes", ())))
        settings["attributes"] = images.attributes
        if count is not None:
            images = hide_attributes(images, count, request.seed, among=rows)
    if count is not None and (not own or "head" in settings):
        images = hide_labels(images, count, request.seed, among=rows)
    if request.labels_file is not None:
        images = _with_remark(images, rows)
    if not own and (takes_head(request.model) or wants_head(settings)):
        images, settings = _headed(request, images, rows, settings)
    if wants_head(settings):
        settings = _share_known(images, rows, settings)
    if request.prior is not None and request.card is None:  # a resumed run keeps the shares, wherever the file is now
        settings = _with_prior(str(request.prior), images, rows, settings)
        if str(request.prior) == "labels" and count is not None:
            said = f"--prior labels: --labels keeps {count} of each class, so that classes count as equally common"
            images = replace(images, remarks=(*images.remarks, f"{said}; a file says other shares (--prior FILE)"))
    if request.captions is not None:
        settings.setdefault("caption", "gru")
        images = hide_captions(images, request.captions, request.seed, among=rows)
    if not wants_captions(settings):
        return Supervision(images, whole, settings)
    known = Vocabulary(tuple(request.card["words"])) if request.from_run is not None else None
    return _with_captions(images, whole, settings, rows, known)


def _headed(
    request: SimpleNamespace, images: Images, rows: np.ndarray, settings: dict[str, Any]
) -> tuple[Images, dict[str, Any]]:
    """The settings with a label head's where only some of ``rows`` are labelled, or labels were asked for; the images
    with a remark where it was not asked for."""
    requested = request.labels is not None or request.labels_file is not None
    known = images.label[rows][images.label[rows] >= 0]
    classes = max(1, len(np.unique(known)))
    if not requested and (classes < 2 or len(known) == len(rows)):  # of one class there is nothing to tell
        return images, settings
    if not requested and "head" not in settings and request.card is None:
        said = f"{len(known)} of the {len(rows)} images that are trained on have a class, so a label head learns them"
        images = replace(images, remarks=(*images.remarks, f"{said} (--set head=none leaves it out)"))
    headed = {"head": "softmax", **settings}
    if headed.get("head.unlabelled") == "words" and len(np.unique(known)) < 2:
        said = f"{len(known)} label{'s' if len(known) != 1 else ''} of {len(np.unique(known))}"
        raise Refusal(f"head.unlabelled=words separates two classes or more, but what is trained on has {said}")
    return images, unlabelled_pay(request.model, len(known), classes, min(images.shape[1:]), headed)


def _share_known(images: Images, rows: np.ndarray, settings: dict[str, Any]) -> dict[str, Any]:
    """The settings with the labelled share of a batch as it is where every one of ``rows`` is labelled, unless it was
    said, or captions have a share of the batch. Half of it, the default for few labels, would make a label count twice
    where all are heard: the weight goes by the share (heads.label)."""
    head = nest(settings).get("head")
    said = isinstance(head, Mapping) and "labelled" in head
    if said or wants_captions(settings) or not len(rows) or (images.label[rows] < 0).any():
        return settings
    return {**settings, "head.labelled": 1.0}


def _with_prior(prior: str, images: Images, rows: np.ndarray, settings: dict[str, Any]) -> dict[str, Any]:
    """The settings with the shares of classes that --prior says. Raises Refusal as ``class_shares`` does, for a share
    of 0, and where nothing would go by them."""
    head = nest(settings).get("head")
    own = head if isinstance(head, Mapping) else {}
    if own.get("unlabelled", "none") == "none":
        raise Refusal(
            f"--prior {prior} says how common classes are among images without a label, but no label head learns "
            "from such here; give --labels, --labels-file or head.unlabelled=consistent"
        )
    if own.get("prior"):
        raise Refusal(
            f"--prior {prior} and head.prior={own['prior']} both say how common classes are; give one of them"
        )
    shares = class_shares(prior, images.classes, images.label[rows])
    if shares is None:
        return settings
    if not shares.all():
        none = ", ".join(name for name, share in zip(images.classes, shares, strict=True) if not share)
        raise Refusal(f"--prior {prior}: every class needs a share above 0, but {none} has none")
    return {**settings, "head.prior": tuple(shares.tolist())}


def _with_remark(images: Images, rows: np.ndarray) -> Images:
    """The images, with a remark on the classes of which none of ``rows`` has the label."""
    missed = [name for number, name in enumerate(images.classes) if not (images.label[rows] == number).any()]
    if not missed:
        return images
    said = f"no image that is trained on is labelled {', '.join(missed[:NAMED])}{', ...' if missed[NAMED:] else ''}"
    return replace(images, remarks=(*images.remarks, f"{said}: label more, or hold none out (--validation 0)"))


def _with_captions(
    images: Images, whole: Images, settings: dict[str, Any], rows: np.ndarray, vocabulary: Vocabulary | None
) -> Supervision:
    """The vocabulary, unless one is given, is that of the captions learned from: what is hidden or held out adds no
    word."""
    _, config = caption_config(settings)
    known = rows[has_caption(images)[rows]]
    if not len(known):
        raise Refusal(
            f"{images.source or 'these images'}: a caption head needs captions, but these images have none; give a "
            "captions.csv or a Parquet column captions"
        )
    if config.captioned is None:
        settings["caption.captioned"] = 1.0 if len(known) == len(rows) else CAPTIONED
    learned = (text for row in known for text in spoken(images.captions[row], config.most))
    vocabulary = vocabulary or Vocabulary.of(learned, config.least)
    read = partial(Sentences, vocabulary=vocabulary, longest=config.longest, most=config.most)
    sentences = read(images)
    others = sentences if whole.captions is images.captions else read(whole)
    return Supervision(images, whole, settings, vocabulary.words, sentences, others, read)


def shares(model: Model) -> dict[str, Any]:
    """The shares of every batch that must have labels and captions: the heads' settings; for a model that needs labels
    all of it, or what it says."""
    inner = innermost(model)
    labelled = getattr(inner, "share_labelled", 1.0) if getattr(inner, "needs_labels", False) else 0.0
    if has(model, Joint):
        labelled = need(model, Joint).head.labelled
    return {
        "labelled": labelled,
        "captioned": need(model, Captioned).writer.captioned if has(model, Captioned) else 0.0,
    }


def one_factor(model: Model) -> bool:
    """Whether the model learns from batches in which one known factor varies."""
    return bool(getattr(innermost(model), "one_factor", False))


def learns_attributes(model: str) -> bool:
    """Whether the method needs names of attributes."""
    return "attributes" in {field.name for field in fields(config_of(model))}


def _names(given: Any) -> tuple[str, ...]:
    return tuple(part.strip() for part in given.split(",") if part.strip()) if isinstance(given, str) else tuple(given)

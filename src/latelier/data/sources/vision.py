"""Published data sets as torchvision reads and, if asked to, downloads them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from latelier.data.images import Images
from latelier.data.packing.plan import Plan, unknown
from latelier.data.sources.shards import stamps
from latelier.errors import Refusal

TWO = {"train": {"train": True}, "test": {"train": False}}
BINARY_SEED, SPLIT_SEED = 0, 0
OURS: dict[str, dict[str, Any]] = {"train": {}, "test": {}}  # splits that we draw


def _array(data: Any) -> Images:
    """A data set that holds its images: [n, h, w] or [n, h, w, 3]."""
    return _listed(data, np.asarray(data.data), data.targets)


def _channels_first(data: Any) -> Images:
    """One that holds them as [n, 3, h, w]."""
    return _listed(data, np.asarray(data.data).transpose(0, 2, 3, 1), data.labels)


def _listed(data: Any, pixels: np.ndarray, targets: Any) -> Images:
    label = np.asarray(targets, np.int64)
    names = [str(name).split(" - ")[0] for name in getattr(data, "classes", range(int(label.max()) + 1))]  # "0 - zero"
    facts = unknown([str(row) for row in range(len(pixels))])
    return replace(facts, pixels=pixels.reshape(*pixels.shape[:3], -1), label=label, classes=tuple(names))


def _binarized(data: Any) -> Images:
    """Each pixel drawn once, white with the probability of its grey (Salakhutdinov, Murray 2008); the draw is ours."""
    images = _array(data)
    generator = np.random.default_rng([BINARY_SEED, len(images)])  # another length is another split
    blocks = [b > generator.integers(0, 255, b.shape, np.uint8) for b in np.array_split(images.pixels, 64)]
    return replace(images, pixels=np.concatenate(blocks).astype(np.uint8) * np.uint8(255))


def _celeba(data: Any) -> Plan:
    names = [str(name) for name in data.filename]
    attribute = np.asarray(data.attr, np.int8)
    facts = replace(unknown(names), attribute=attribute, attributes=tuple(data.attr_names[: attribute.shape[1]]))
    return Plan("files", [str(Path(data.root, data.base_folder, "img_align_celeba").absolute())], names, facts)


GLASSES, HAIR = "eyeglasses", "facial hair"


def _introvac(names: tuple[str, ...], others: int) -> Callable[[Any], Plan]:
    """Of CelebA the set that IntroVAC's code takes (section 4): all images with any of the attributes ``names``, and
    the first of those with none, ``others`` times as many. Facial hair is a beard, a goatee or a mustache."""

    def read(data: Any) -> Plan:
        whole = _celeba(data)
        column = {name: whole.facts.attribute[:, place] for place, name in enumerate(whole.facts.attributes)}
        beard = (column["No_Beard"] == 0) | (column["Goatee"] == 1) | (column["Mustache"] == 1)
        known = {GLASSES: column["Eyeglasses"], HAIR: beard.astype(np.int8)}
        attribute = np.stack([known[name] for name in names], 1)
        has = attribute.any(1)
        rows = np.sort(np.concatenate([np.flatnonzero(has), np.flatnonzero(~has)[: others * int(has.sum())]]))
        facts = replace(whole.facts, attribute=attribute, attributes=names).take(rows)
        return replace(whole, items=[whole.items[row] for row in rows.tolist()], facts=facts)

    return read


CELEBA = {"train": {"split": "train"}, "validation": {"split": "valid"}, "test": {"split": "test"}}


def _places(data: Any) -> Plan:
    root = Path(data.root).absolute()
    names = [str(Path(file).absolute().relative_to(root)) for file, _ in data.imgs]
    label = np.array([number for _, number in data.imgs], np.int64)
    return Plan("files", [str(root)], names, replace(unknown(names), label=label, classes=tuple(data.classes)))


def _caltech(folder: str, name: str) -> Callable[[Any], Plan]:
    """Of Caltech's two sets, whose files lie in a folder a category; ``name`` is a file's, by category and number."""

    def read(data: Any) -> Plan:
        root, label = Path(data.root).absolute(), np.asarray(data.y, np.int64)
        pairs = zip(label.tolist(), data.index, strict=True)
        names = [f"{folder}/{data.categories[y]}/{name.format(category=y + 1, number=number)}" for y, number in pairs]
        classes = tuple(str(category).split(".")[-1] for category in data.categories)  # "001.ak47"
        return Plan("files", [str(root)], names, replace(unknown(names), label=label, classes=classes))

    return read


def _side(plan: Plan, split: str, each: int) -> Plan:
    """Of a set without splits ``each`` image a class to train on, drawn by a fixed seed, or all others to test on."""
    label, drawn = plan.facts.label, np.random.default_rng(SPLIT_SEED)
    chosen = [drawn.permutation(np.flatnonzero(label == number))[:each] for number in np.unique(label)]
    train = np.zeros(len(label), bool)
    train[np.concatenate(chosen)] = True
    rows = np.flatnonzero(train if split == "train" else ~train)
    return replace(plan, items=[plan.items[row] for row in rows.tolist()], facts=plan.facts.take(rows))


@dataclass(frozen=True)
class Published:
    """One data set of torchvision's."""

    kind: str  # its class there
    files: str  # a pattern below the root: the files whose sizes and times tell whether anything has changed
    splits: dict[str, dict[str, Any]]  # split -> what to call the class with
    read: Callable[[Any], Images | Plan]
    line: str
    each: int = 0  # images a class to train on, where the set has no splits of its own


VISION = {
    "mnist": Published(
        "MNIST", "MNIST/raw/*", TWO, _array, "handwritten digits, 28x28 grey, 10 classes, 60,000 + 10,000"
    ),
    "binarized-mnist": Published(
        "MNIST", "MNIST/raw/*", TWO, _binarized, "MNIST with each pixel drawn once, black or white"
    ),
    "fashion-mnist": Published(
        "FashionMNIST", "FashionMNIST/raw/*", TWO, _array, "clothes, 28x28 grey, 10 classes, 60,000 + 10,000"
    ),
    "kmnist": Published(
        "KMNIST", "KMNIST/raw/*", TWO, _array, "cursive Japanese, 28x28 grey, 10 classes, 60,000 + 10,000"
    ),
    "cifar10": Published("CIFAR10", "cifar-10-batches-py/*", TWO, _array, "32x32 colour, 10 classes, 50,000 + 10,000"),
    "cifar100": Published("CIFAR100", "cifar-100-python/*", TWO, _array, "32x32 colour, 100 classes, 50,000 + 10,000"),
    "svhn": Published(
        "SVHN",
        "*_32x32.mat",
        {"train": {"split": "train"}, "test": {"split": "test"}, "extra": {"split": "extra"}},
        _channels_first,
        "house numbers, 32x32 colour, 10 classes, 73,257 + 26,032, and 531,131 extra",
    ),
    "stl10": Published(
        "STL10",
        "stl10_binary/*.bin",
        {"train": {"split": "train"}, "test": {"split": "test"}, "unlabeled": {"split": "unlabeled"}},
        _channels_first,
        "96x96 colour, 10 classes, 5,000 + 8,000, and 100,000 unlabeled",
    ),
    "celeba": Published(
        "CelebA",
        "celeba/*.txt",
        CELEBA,
        _celeba,
        "faces, 178x218 colour, 40 attributes, 162,770 + 19,867 + 19,962",
    ),
    "celeba-eye": Published(
        "CelebA", "celeba/*.txt", CELEBA, _introvac((GLASSES,), 2), "IntroVAC's Eye: faces with glasses, twice without"
    ),
    "celeba-facial": Published(
        "CelebA", "celeba/*.txt", CELEBA, _introvac((HAIR,), 1), "IntroVAC's Facial: faces with facial hair and without"
    ),
    "celeba-eyefacial": Published(
        "CelebA",
        "celeba/*.txt",
        CELEBA,
        _introvac((GLASSES, HAIR), 1),
        "IntroVAC's EyeFacial: faces with glasses or facial hair, and as many with neither",
    ),
    "caltech101": Published(
        "Caltech101",
        "caltech101/101_ObjectCategories/*",
        OURS,
        _caltech("101_ObjectCategories", "image_{number:04d}.jpg"),
        "objects of many sizes, colour, 101 classes, 8,677; 30 a class to train on, the others to test on, our draw",
        each=30,
    ),
    "caltech256": Published(
        "Caltech256",
        "caltech256/256_ObjectCategories/*",
        OURS,
        _caltech("256_ObjectCategories", "{category:03d}_{number:04d}.jpg"),
        "objects of many sizes, colour, 257 classes, 30,607; 60 a class to train on, the others to test on, our draw",
        each=60,
    ),
    "places": Published(
        "Places365",
        "places365_*.txt",
        {"train": {"split": "train-standard", "small": True}, "validation": {"split": "val", "small": True}},
        _places,
        "places, 256x256 colour, 365 classes, 1,803,460 + 36,500",
    ),
}


@dataclass(frozen=True)
class Vision:
    """One split of one of them."""

    name: str
    split: str
    root: Path
    download: bool

    @property
    def stamp(self) -> object:
        files = self._files()
        if not files:
            if not self.download:
                raise Refusal(self._absent("nothing there"))
            self._data  # noqa: B018, fetches the files
            files = self._files()
        return ["torchvision", self.name, self.split, stamps(files)]

    def contents(self) -> Images | Plan:
        published = VISION[self.name]
        found = published.read(self._data)
        return _side(found, self.split, published.each) if published.each and isinstance(found, Plan) else found

    def annotate(self, images: Images) -> Images:
        return images

    def _files(self) -> list[Path]:
        return sorted(self.root.glob(VISION[self.name].files))

    @cached_property
    def _data(self) -> Any:
        """torchvision's object, which looks for the files and fetches them if it may."""
        published = VISION[self.name]
        try:
            from torchvision import datasets
        except (ImportError, RuntimeError) as error:  # RuntimeError: it was built for another torch
            raise Refusal(f"{self.name} is read by torchvision ({error}): pip install 'latelier[vision]'") from error
        try:
            return getattr(datasets, published.kind)(self.root, download=self.download, **published.splits[self.split])
        except (RuntimeError, OSError, ValueError) as error:  # ValueError: a folder of Caltech's that lacks a part
            raise Refusal(self._absent(" ".join(str(error).split()))) from error

    def _absent(self, why: str) -> str:
        if self.download:
            return f"{self.name}: torchvision could not download it to {self.root} ({why})"
        return f"{self.name} is not in {self.root} ({why}): --data-root DIR says where it is, --download fetches it"

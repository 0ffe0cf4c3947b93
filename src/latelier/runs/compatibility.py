"""What files of earlier versions left unsaid, because there was nothing else, and what they called in other words."""

from collections.abc import Mapping
from typing import Any

from latelier.config.renamed import TERMS

JOINT_GAMES = ("ali", "bigan", "hali")  # whose coder learns from reconstructions too, as earlier versions' did not


def terms_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record of a log with its terms in today's words."""
    return {
        part: {TERMS.get(term, term): value for term, value in inner.items()} if isinstance(inner, Mapping) else inner
        for part, inner in record.items()
    }


def settings_of(card: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that a stored card was built with. What older versions did not write is what they had."""
    settings = dict(card["config"])
    if isinstance(critic := settings.get("critic"), Mapping) and "r1" in critic:
        settings["critic"] = {"unit": "one", "share": 1.0, **critic}
    if card["model"] == "hali" and "net" not in settings:
        own = {field: settings.pop(field) for field in ("width", "slope", "norm") if field in settings}
        settings["net"] = {"kind": "table", **own}
    if card["model"] == "dgdn" and "pooling" not in settings:
        likelihood = {"kind": "gaussian", **settings.get("likelihood", {})}
        settings |= {"pooling": "drawn", "nonlinearity": "none", "norm": "none"}
        settings["likelihood"] = likelihood
    if card["model"] in JOINT_GAMES:
        settings = {"cycle": (0.0,), **settings}
    net = settings.get("net")
    if isinstance(net, dict) and net.get("kind") == "conv":
        settings["net"] = {"up": "transposed", **net}
    for part in ("head", "caption"):
        if card.get(part):
            settings[part] = card[part]
    return settings

"""Settings of which every value is stated, by a recipe or else by ``latelier.bench.values``: none follows a default."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple, get_args, get_type_hints

from latelier.bench.values import HEADED, HEADS, KINDS, METHODS, OF_THE_DATA
from latelier.config.lookup import find_module
from latelier.config.settings import configure, nest
from latelier.errors import Refusal
from latelier.runs.building import config_of, takes_head
from latelier.training.supervision import learns_attributes


class Owner(NamedTuple):
    """A method or a head: whose fields settings are."""

    name: str
    prefix: str  # of its settings
    config: type
    values: dict[str, Any]  # nested

    def complete(self) -> dict[str, Any]:
        """Dotted names of all its fields, without the prefix, and their values. Raises Refusal for an unknown one."""
        configure(self.config, self.values, self.name)
        return dict(_complete(self.config, self.values, self.name, ""))


def stated(method: str, settings: Mapping[str, Any], labels: bool = False) -> dict[str, Any]:
    """The settings and, where they are silent, those of ``latelier.bench.values``, by dotted names. ``labels``: few
    labels are given, so that a head learns beside a method that takes one, as in ``latelier train``. Raises LookupError
    for a value that stands nowhere."""
    heads = {"head": "softmax"} if labels and takes_head(method) and not learns_attributes(method) else {}
    found = heads | {name: value for name, value in settings.items() if isinstance(value, str) and name in HEADED}
    for owner in _owners(method, {**heads, **settings}):
        found |= {f"{owner.prefix}{name}": value for name, value in owner.complete().items()}
    return found


def unlike_defaults(method: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings, and of ``stated`` those that have to be said because defaults are others: for a short command."""
    found: dict[str, Any] = {}
    for owner in _owners(method, settings):
        whole = owner.complete()
        wanted: Any = configure(owner.config, whole, owner.name)
        for name in [name for name in whole if f"{owner.prefix}{name}" not in settings]:
            fewer = {other: value for other, value in whole.items() if other != name}
            with suppress(Refusal):  # of a default that does not go with the other values
                whole = fewer if configure(owner.config, fewer, owner.name) == wanted else whole
        found |= {f"{owner.prefix}{name}": value for name, value in whole.items()}
    return {**found, **settings}


def _owners(method: str, settings: Mapping[str, Any]) -> Iterator[Owner]:
    given = nest(settings)
    heads = {name: _part(given.pop(name)) for name in HEADED if name in given}
    yield Owner(method, "", config_of(method), _over(nest(METHODS.get(method, {})), given))
    for name, own in heads.items():
        kind = own.pop("kind", HEADED[name])
        if kind != "none":
            config = find_module("latelier.heads", kind, "head").Config
            yield Owner(f"{name}={kind}", f"{name}.", config, _over(nest(HEADS[kind]), own))


def _complete(cls: type, given: Mapping[str, Any], owner: str, prefix: str) -> Iterator[tuple[str, Any]]:
    """Dotted names and values of all fields of a dataclass, from nested settings and ``KINDS``."""
    hints = get_type_hints(cls)
    for name in (field.name for field in fields(cls)):
        choices = [choice for choice in get_args(hints[name]) or (hints[name],) if isinstance(choice, type)]
        kinds = {choice.__name__.lower(): choice for choice in choices if is_dataclass(choice)}
        part = _part(given.get(name, {})) if kinds else {}
        kind = next(iter(kinds)) if len(kinds) == 1 else part.pop("kind", None)
        if name in OF_THE_DATA and name not in given:
            continue
        if (kind is None) if kinds else (name not in given):
            raise LookupError(f"{owner}: recipes follow no default, and bench/values.py does not say {prefix}{name}")
        if not kinds or len(kinds) > 1:
            yield prefix + name, kind or given[name]
        if kinds:
            yield from _complete(
                kinds[kind], _over(nest(KINDS.get(f"{name}={kind}", KINDS[kind])), part), owner, f"{prefix}{name}."
            )


def _over(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Nested settings over others; what was said of another kind of a field goes."""
    found = dict(under)
    for name, value in over.items():
        below = under.get(name)
        if isinstance(value, Mapping) or isinstance(below, Mapping):
            above, below = _part(value), _part({} if below is None else below)
            same = above.get("kind", below.get("kind")) == below.get("kind", above.get("kind"))
            value = _over(below, above) if same else above
        found[name] = value
    return found


def _part(value: Any) -> dict[str, Any]:
    """What is said of a field that has kinds, as a dict."""
    return nest(value) if isinstance(value, Mapping) else {"kind": value}

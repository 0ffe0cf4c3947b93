"""Settings written as text or JSON -> frozen dataclasses, and back. Unknown fields are refused with the nearest match.

A field whose type is a union of dataclasses (``penalty: Beta | Mmd``) is chosen by the class name in lower case:
``penalty=mmd penalty.weight=1000``, or in JSON ``{"penalty": {"kind": "mmd", "weight": 1000}}``.
"""

import types
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from difflib import get_close_matches
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from latelier.config.lookup import guess, nearest
from latelier.errors import Refusal

T = TypeVar("T")
OWN = f"{__name__.partition('.')[0]}."  # modules whose settings are weights, widths, shares: none is below 0
LEAST = "least"  # of a field's metadata: another bound
LARGEST = 1e12  # number that can be meant: its square is still one of float32, in which nets compute


def configure(cls: type[T], settings: Mapping[str, Any], owner: str) -> T:
    """An instance of the dataclass ``cls`` with these settings over its defaults.

    Keys may be dotted; values may be text (``"1e-3"``, ``"32,64"``), JSON or already typed. ``owner`` names the
    configured thing in messages. Raises Refusal for an unknown field or a value that does not parse.
    """
    return _build(cls, nest(settings), owner, "", None, {})


def parse_assignments(texts: Iterable[str]) -> dict[str, str]:
    """``["penalty=mmd", "latent=16"]`` -> a dict. Raises Refusal for text without ``=``."""
    settings = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise Refusal(f"--set takes field=value, but got '{text}'")
        settings[name.strip()] = value.strip()
    return settings


def assigned(given: Mapping[str, Any] | Iterable[str] | None) -> dict[str, Any]:
    """What --set, or its Python form, says. Raises Refusal as ``parse_assignments`` does."""
    if isinstance(given, str):
        raise Refusal(f"settings takes a dict, or a list as [{given!r}], but got {given!r}")
    return dict(given) if isinstance(given, Mapping) else dict(parse_assignments(given or []))


def to_json(config: Any) -> Any:
    """The dataclass as JSON; members of unions carry their ``kind``."""
    if is_dataclass(config) and not isinstance(config, type):
        hints = get_type_hints(type(config))
        out = {}
        for field in fields(config):
            value = getattr(config, field.name)
            out[field.name] = to_json(value)
            if len(_kinds(hints[field.name])) > 1:
                out[field.name] = {"kind": type(value).__name__.lower(), **out[field.name]}
        return out
    return list(config) if isinstance(config, tuple) else config


def nest(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted names as dicts in dicts: ``{"penalty": "mmd", "penalty.weight": 4}`` -> ``{"penalty": {"kind": "mmd",
    "weight": 4}}``."""
    nested: dict[str, Any] = {}
    for key in sorted(settings):  # "penalty" sorts before "penalty.weight"
        name, dot, rest = key.partition(".")
        if not dot:
            nested[name] = settings[key]
            continue
        inner = nested.setdefault(name, {})
        if isinstance(inner, str):
            inner = nested[name] = {"kind": inner}
        elif is_dataclass(inner):
            raise Refusal(f"'{name}' is given whole and '{key}' as well; give one of them")
        nested[name] = {**inner, rest: settings[key]}
    return nested


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dicts in dicts as dotted names, with ``prefix`` before each; tuples become lists."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = list(value) if isinstance(value, tuple) else value
    return found


def words(settings: Mapping[str, Any]) -> list[str]:
    """Settings of any depth as ``--set`` takes them: ``["penalty.weight=4", "net.widths=32,64"]``."""
    return [f"{k}={','.join(map(str, v)) if isinstance(v, list) else v}" for k, v in flat(settings).items()]


def _build(
    cls: type[T], nested: Mapping[str, Any], owner: str, prefix: str, base: Any, others: Mapping[str, type]
) -> T:
    """``others``: the kinds that could have been chosen in place of this one."""
    hints = get_type_hints(cls)
    known = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]
    values = {} if base is None else {name: getattr(base, name) for name in known}
    for name, given in nested.items():
        if name not in known:
            kind, field = cls.__name__.lower(), prefix[:-1]
            chosen = f" with {field}={kind}" if prefix and kind != field.rpartition(".")[2] else ""
            end = nearest(name, list(known), prefix)
            if not guess(name, list(known)):
                end += _elsewhere(name, others, prefix)
            raise Refusal(f"{owner}{chosen} has no field '{prefix}{name}'; {end}")
        default = _default(known[name]) if base is None else getattr(base, name)
        values[name] = _value(hints[name], given, default, owner, prefix + name)
    built = cls(**values)  # first: what it says of its own bounds is plainer
    for name in nested:
        usual = 0 if cls.__module__.startswith(OWN) or int in (hints[name], *get_args(hints[name])) else -LARGEST
        least = known[name].metadata.get(LEAST, usual)
        if _below(least, values[name]):
            raise Refusal(f"{owner}: {prefix}{name} takes numbers of at least {least:g}, but got '{values[name]}'")
    return built


def _below(least: float, value: Any) -> bool:
    """Whether a number, or one of several, is less."""
    every = value if isinstance(value, tuple) else (value,)
    return any(isinstance(each, int | float) and each < least for each in every)


def _default(field: "Field[Any]") -> Any:
    return field.default_factory() if field.default_factory is not MISSING else field.default


def _value(hint: Any, given: Any, default: Any, owner: str, name: str) -> Any:
    kinds = _kinds(hint)
    if not kinds or is_dataclass(given):
        return given if is_dataclass(given) else _parse(hint, given, owner, name)
    if not isinstance(given, str | Mapping):  # out of a file
        raise Refusal(f"{owner}: {name} takes one of {', '.join(kinds)} or its settings by name, but got '{given}'")
    usual = type(default).__name__.lower()
    nested = nest(given) if isinstance(given, Mapping) else {"kind": given}
    kind = usual if len(kinds) == 1 else nested.pop("kind", usual)
    if not isinstance(kind, str) or kind not in kinds:
        raise Refusal(f"{owner}: {name} cannot be '{kind}'; {nearest(str(kind), list(kinds))}")
    base = default if isinstance(default, kinds[kind]) else None
    others = {other: cls for other, cls in kinds.items() if other != kind}
    return _build(kinds[kind], nested, owner, f"{name}.", base, others)


def _elsewhere(name: str, others: Mapping[str, type], prefix: str) -> str:
    """Where another kind has a field of that name, or nearly."""
    of = {field.name: kind for kind, cls in others.items() for field in fields(cls)}
    near = get_close_matches(name.lower(), list(of), n=1)
    return f"; '{prefix}{near[0]}' needs {prefix[:-1]}={of[near[0]]}" if near else ""


def _kinds(hint: Any) -> dict[str, type]:
    return {t.__name__.lower(): t for t in (get_args(hint) or (hint,)) if isinstance(t, type) and is_dataclass(t)}


def _parse(hint: Any, given: Any, owner: str, name: str) -> Any:
    try:
        return _convert(hint, given)
    except OverflowError:
        raise Refusal(f"{owner}: {name} takes numbers of at most {LARGEST:g} in size, but got '{given}'") from None
    except (ValueError, TypeError, KeyError):
        raise Refusal(f"{owner}: {name} takes {_described(hint)}, but got '{given}'") from None


def _convert(hint: Any, given: Any) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):  # "number or none"
        if given is None or given in ("none", "None", ""):
            return None
        return _convert(next(a for a in arguments if a is not type(None)), given)
    if origin is Literal:
        if given not in arguments:
            raise ValueError
        return given
    if origin is tuple:
        parts = [p for p in given.split(",") if p.strip()] if isinstance(given, str) else list(given)
        if arguments[-1] is not Ellipsis and len(parts) != len(arguments):
            raise ValueError
        found = tuple(_convert(arguments[0], part) for part in parts)
        if arguments[0] is int and min(found, default=1) < 1:  # widths, channels, sizes: none can be nothing
            raise ValueError
        return found
    if hint is bool:
        if isinstance(given, str):
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[given.lower()]
        return {True: True, False: False}[given]  # and 1 and 0, which are equal to them
    if hint not in (int, float):
        if not isinstance(given, str):
            raise TypeError
        return hint(given)
    if isinstance(given, bool):
        raise TypeError
    number = float(given)
    if not abs(number) <= LARGEST:  # nan too
        raise OverflowError
    if number != hint(number):
        raise ValueError
    return hint(number)


def _described(hint: Any) -> str:
    if get_origin(hint) in (Union, types.UnionType):  # "number or none"
        return _described(next(a for a in get_args(hint) if a is not type(None)))
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(map(str, get_args(hint)))
    if get_origin(hint) is tuple:
        of = "whole numbers above 0" if get_args(hint)[0] is int else "numbers"
        return f"{of} separated by commas"
    return {int: "a whole number", float: "a number", bool: "true or false"}.get(hint, str(hint))

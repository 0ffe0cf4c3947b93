"""What a model cannot do, in plain words, and which methods can."""

from collections.abc import Sequence

from torch import nn

from latelier.core import has, innermost
from latelier.lookup import find_module, module_names

PACKAGE = "latelier.models"


def lack(model: nn.Module, needs: Sequence[type]) -> str:
    """What this takes that the model does not do, for a refusal; "" where it does all that is needed."""
    lacking = [capability for capability in needs if not has(model, capability)]
    does = " and ".join(words(capability) for capability in lacking)
    return f"takes a method that {does}, and {called(model)} does not" if lacking else ""


def instead(model: nn.Module, capability: type) -> str:
    """The same of one, with the methods that can."""
    able = ", ".join(methods(capability))
    return f"this {lack(model, [capability])}{f'; methods that do: {able}' if able else ''}"


def methods(capability: type) -> list[str]:
    """Names of the methods that have it by themselves, without a head."""
    return [
        name
        for name in module_names(PACKAGE, "Model")
        if issubclass(find_module(PACKAGE, name, "model", "Model").Model, capability)
    ]


def words(capability: type) -> str:
    """What a model does that has it: the first clause of its description."""
    said = (capability.__doc__ or capability.__name__).strip().splitlines()[0].rstrip(".")
    clause = said.partition(",")[0].partition(":")[0]
    return clause[:1].lower() + clause[1:]


def called(model: nn.Module) -> str:
    """The method's name, which is its file's."""
    return type(innermost(model)).__module__.rpartition(".")[2]

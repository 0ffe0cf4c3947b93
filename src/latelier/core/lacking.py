"""What a model cannot do, in plain words, and which methods can. It knows classes alone, so that core can use it."""

from collections.abc import Sequence

from latelier.config.lookup import find_module, module_names

PACKAGE = "latelier.models"


def lack(method: type, capabilities: Sequence[type]) -> str:
    """That this takes capabilities which the method (the innermost model's class) lacks, for a refusal."""
    does = " and ".join(words(capability) for capability in capabilities)
    return f"takes a method that {does}, and {called(method)} does not"


def instead(method: type, capability: type) -> str:
    """The same of one, with the methods that can."""
    able = ", ".join(methods(capability))
    return f"this {lack(method, [capability])}{f'; methods that do: {able}' if able else ''}"


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


def called(method: type) -> str:
    """The method's name, which is its file's."""
    return method.__module__.rpartition(".")[2]

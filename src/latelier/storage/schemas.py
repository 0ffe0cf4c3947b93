"""What the files of a run hold, field by field: the forms that ``json_records`` holds them to."""

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from msgspec import Meta

Count = Annotated[int, Meta(ge=0, le=1 << 62)]
Some = Annotated[int, Meta(ge=1, le=1 << 62)]
Format = Annotated[int, Meta(ge=1, le=1 << 16)]
Side = Annotated[int, Meta(ge=1, le=1 << 16)]
Fingerprint = Annotated[str, Meta(max_length=64)]
Share = Annotated[float, Meta(gt=0, lt=1)]


class HeadCard(TypedDict):
    """A label head's or a caption head's settings."""

    kind: NotRequired[str]


class CardNote(TypedDict):
    """What a weights file says of itself, and config.json of the run's model."""

    model: str
    image: tuple[Side, Side, Side]
    config: dict[str, Any]  # of the method's Config, which knows its own fields
    classes: list[str]
    head: NotRequired[HeadCard | None]
    caption: NotRequired[HeadCard | None]
    words: NotRequired[list[str]]
    seen: NotRequired[Count]
    format: NotRequired[Format]


class Standing(TypedDict):
    """Where training stood, in a state file."""

    seen: Count
    best: Annotated[float, Meta(ge=-1e300)]  # no NaN: nothing would be better
    since_best: Count
    format: NotRequired[Format]


class FileSum(TypedDict):
    """Of a checkpoint's file."""

    sha256: str
    bytes: Count


class Manifest(TypedDict):
    """manifest-N.json: what makes a checkpoint whole."""

    format: Format
    seen: Count
    score: float | None
    files: dict[str, FileSum]


class MirrorNote(TypedDict):
    """mirror-N.json: what makes the copy of a run whole."""

    format: Format
    files: dict[str, FileSum]


class HubNote(TypedDict):
    """config.json of a folder for a model hub."""

    format: Format
    library: str
    model: CardNote
    seen: Count
    weights: FileSum  # of model.safetensors


class HeldOut(TypedDict, total=False):
    """Which images were not trained on."""

    split: str
    share: Share
    seed: Count


class DataNote(TypedDict):
    """What a run was trained on."""

    source: str
    fingerprint: Fingerprint
    images: NotRequired[Count]
    shape: NotRequired[tuple[Side, Side, Side]]
    range: NotRequired[tuple[float, float] | None]  # black and white of values of more than 8 bits
    labelled: NotRequired[Count]
    captioned: NotRequired[Count]
    skipped: NotRequired[Count]
    remarks: NotRequired[list[str]]
    held_out: NotRequired[HeldOut]


class PlanNote(TypedDict):
    """How a run trains; nothing but what is read again."""

    total: Some
    batch: Some
    monitor: NotRequired[Annotated[list[str | bool], Meta(min_length=1, max_length=3)]]


class OptimiserNote(TypedDict):
    """One player's."""

    rate: float


class BegunNote(TypedDict):
    """Of a run that began with another's weights: which they were."""

    seen: Count
    sha256: str


class RunConfig(TypedDict):
    """config.json."""

    format: Format
    data: DataNote
    request: dict[str, Any]  # held to the arguments of ``latelier train``
    model: CardNote
    plan: NotRequired[PlanNote]
    optimisers: NotRequired[dict[str, OptimiserNote]]
    threads: NotRequired[Some]
    versions: NotRequired[dict[str, str]]
    begun: NotRequired[BegunNote]
    places: NotRequired[dict[str, list[str]]]  # of files that the request names, the ways to each


class LogRecord(TypedDict):
    """A line of log.jsonl."""

    seen: Count
    images_per_second: NotRequired[float]
    terms: NotRequired[dict[str, float]]
    validation: NotRequired[dict[str, float]]
    look: NotRequired[dict[str, float]]
    remark: NotRequired[str]


class ScoreRecord(TypedDict):
    """A record of scores.json."""

    name: str
    values: dict[str, float]
    protocol: str
    n: Count
    seconds: float
    data: str
    seed: NotRequired[int]
    options: NotRequired[dict[str, Any]]
    verdict: NotRequired[str]
    fingerprint: NotRequired[Fingerprint]
    seen: NotRequired[Count]


class Untaken(TypedDict):
    """A record of scores.json for a score that could not be taken."""

    name: str
    reason: str
    data: NotRequired[str]
    fingerprint: NotRequired[Fingerprint]
    seen: NotRequired[Count]


class FindingNote(TypedDict):
    """A sentence of a verdict."""

    level: str
    text: str


class VerdictNote(TypedDict):
    """verdict.json: the numbers behind a verdict, and what they are of."""

    seen: Count
    data: str
    fingerprint: Fingerprint
    images: Count
    version: NotRequired[Count]  # of what is measured
    findings: list[FindingNote]
    facts: dict[str, float]


class TemperatureNote(TypedDict):
    """calibration.json."""

    seen: Count
    value: Annotated[float, Meta(gt=0, le=1e6)]
    labels: Some
    fingerprint: Fingerprint


class PriorNote(TypedDict):
    """prior.json: of the tensors in prior.safetensors."""

    kind: Literal["gmm", "flow", "sequence"]
    seen: Count
    images: Some
    seed: Count
    sha256: Fingerprint
    fitted: float  # nats of held-out codes, and under N(0, I), or of cells by themselves
    normal: float


class UnfinishedNote(TypedDict):
    """.NAME.note beside what is being written."""

    task: Fingerprint
    done: Count  # images
    bytes: Count
    sum: Annotated[int, Meta(ge=0, lt=1 << 32)]
    state: dict[str, Any]  # of the verb, which knows its own fields


class DemoNote(TypedDict):
    """demo.json, in a folder that the next demo may replace."""

    data: str


class RecipeNote(TypedDict):
    """recipes.json, in a folder of recipes: what they learn from, and how much of it."""

    data: str
    share: float
    size: NotRequired[int]
    rehearse: NotRequired[bool]


class Measured(TypedDict):
    """A line of a recipe's measured.jsonl."""

    key: str
    values: Annotated[dict[str, float], Meta(min_length=1)]
    n: NotRequired[Count]
    seconds: NotRequired[float]
    protocol: NotRequired[str]


def of_score(record: Any) -> type:
    """The form of a record of scores.json."""
    return Untaken if isinstance(record, dict) and "reason" in record else ScoreRecord

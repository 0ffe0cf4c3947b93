"""What a verb's options say of a source besides its name."""

from dataclasses import dataclass
from pathlib import Path

from latelier.storage.paths import place


@dataclass(frozen=True)
class Where:
    """Where images lie and how they are read: options that every verb passes on."""

    data_root: Path | None = None
    download: bool = False
    as_: str | None = None

    @classmethod
    def of(cls, data_root: str | Path | None, download: bool, as_: str | None = None) -> "Where":
        """From a verb's options."""
        return cls(place(data_root, "--data-root") if data_root else None, download, as_)

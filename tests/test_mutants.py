"""The tool that changes one thing at a time and looks whether tests fail."""

import importlib
from pathlib import Path

import pytest

mutations = pytest.importorskip("mutations", reason="mutmut is not for this system", exc_type=ImportError)

SOURCE = """
from dataclasses import dataclass

def more(a, by=1):
    return a + by

@dataclass
class Box:
    side: int

    def area(self):
        return self.side * self.side
"""


def test_a_change_is_in_what_was_imported_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[1])  # whose pyproject.toml mutmut reads
    path = tmp_path / "changed_room.py"
    path.write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    room = importlib.import_module("changed_room")
    more, box = room.more, room.Box(3)
    changes = {one.diff()[-1].strip("+ "): one for one in mutations.mutants("changed_room", path)}
    assert (more(3), box.area()) == (4, 9)
    for line, after in (
        ("return a - by", (2, 9)),
        ("def more(a, by=2):", (5, 9)),
        ("return self.side / self.side", (5, 1)),
        ("return a - by", (2, 1)),
    ):
        assert mutations.put(changes[line].function, changes[line].text())
        assert (more(3), box.area()) == after
    assert room.Box is type(box)
    names = [one.name for one in changes.values()]
    assert names[0] == "changed_room.x_more__mutmut_1"
    assert names[-1].startswith("changed_room.xǁBoxǁarea__mutmut_")

"""latelier sweep as a user meets it: whole, stopped, killed, shared by processes, and refused."""

import shlex
import signal
import sys
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from commands import Captured, refused, said, started, stopped
from dying_sweep import dying
from made import folder

from latelier.cli import main
from latelier.engine import checkpoint
from latelier.runs.options import Options
from latelier.sweeps import trials
from latelier.training.run import start

pytest.importorskip("optuna")

RECIPE = """
method = "vae"
data = "pets"
trials = {trials}
monitor = "elbo"

[training]
steps = 8
batch = 4
validation = 0.25
rate = {{log = [1e-4, 1e-2]}}

[settings]
net = "mlp"
"net.widths" = 4
latent = {latent}
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with images."""
    folder(tmp_path / "pets", 24, "L", (8, 8))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def recipe(trials: int = 3, latent: str = "{range = [1, 4]}", more: str = "") -> str:
    Path("recipe.toml").write_text(RECIPE.format(trials=trials, latent=latent) + more)
    return "sweep recipe.toml --out found"


def told(place: str = "found") -> list[tuple[str, dict[str, Any], float | None]]:
    """State, values and metric of each trial."""
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend
    from optuna.study import load_study

    study = load_study(study_name="sweep", storage=JournalStorage(JournalFileBackend(f"{place}/study.journal")))
    return [(trial.state.name, dict(trial.params), trial.value) for trial in study.trials]


def test_a_sweep_trains_a_run_a_trial_and_goes_on_when_its_recipe_wants_more(place: Path, capsys: Captured) -> None:
    printed = said(capsys, recipe())
    found = told()
    assert [state for state, _, _ in found] == ["COMPLETE"] * 3
    best = max(range(3), key=lambda number: found[number][2] or 0)  # of an ELBO the greatest
    line = next(line for line in printed if line.startswith("best: "))
    assert line.startswith(f"best: found/trials/{best:04d}; trained again by: latelier train vae --data pets --out NEW")
    assert f"latent={found[best][1]['latent']}" in line
    score = checkpoint.best(Path(f"found/trials/{best:04d}"))
    assert score is not None
    assert score.score == -(found[best][2] or 0)
    page = Path("found/sweep.html").read_text()
    assert "3 trials (3 trained)" in page
    assert "<script" not in page
    assert page.count("data:image/png;base64") == 1

    said(capsys, "sweep found")
    assert told() == found  # nothing was left to do
    said(capsys, recipe(trials=5))
    assert told()[:3] == found
    assert len(told()) == 5
    assert "importance" not in refused(capsys, recipe(trials=5, latent="{range = [1, 5]}"))
    assert len(told()) == 5
    again = shlex.split(line.partition("trained again by: ")[2])
    main([*again[1:], "--quiet"])  # without "latelier"
    twin = checkpoint.best(Path("NEW"))
    assert twin is not None
    assert twin.score == score.score


def test_a_killed_sweep_ends_as_one_that_was_not(place: Path, capsys: Captured) -> None:
    said(capsys, recipe())
    whole = told()
    command = recipe().replace("found", "killed")
    process = get_context("forkserver").Process(target=dying, args=(shlex.split(command),))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert [state for state, _, _ in told("killed")] == ["COMPLETE", "RUNNING"]
    assert checkpoint.last_seen(Path("killed/trials/0001")) == 4
    with open("killed/study.journal", "ab") as journal:
        journal.write(b'{"op_code":')  # by a disk that was full
    said(capsys, "sweep killed")
    assert told("killed") == whole


@pytest.mark.slow
def test_two_processes_share_a_study(place: Path) -> None:
    command = shlex.split(recipe(trials=4))
    from latelier.sweeps.recipe import read
    from latelier.sweeps.study import opened

    asked = read(Path("recipe.toml"))
    Path("found").mkdir()
    Path("found/sweep.toml").write_text(Path("recipe.toml").read_text())
    opened(Path("found"), asked, trials.metric_of(asked))
    processes = [started(command) for _ in range(2)]
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    found = told()
    assert [state for state, _, _ in found] == ["COMPLETE"] * 4
    assert len({values["--rate"] for _, values, _ in found}) == 4
    assert {path.name for path in Path("found/trials").iterdir() if path.is_dir()} == {f"000{i}" for i in range(4)}


def test_a_trial_that_fails_is_told_of_and_the_others_go_on(
    place: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials, "IN_A_ROW", 9)
    said(capsys, recipe(trials=6, latent="{choices = [2, -1, -2, -3, 3]}"))
    found = told()
    failed = [number for number, (_, values, _) in enumerate(found) if values["latent"] < 0]
    assert 0 < len(failed) < 6
    assert [state for state, _, _ in found] == ["FAIL" if number in failed else "COMPLETE" for number in range(6)]
    page = Path("found/sweep.html").read_text()
    assert page.count("vae: latent is the number of latent dimensions, at least 1, not -") == len(failed)


def test_trials_that_fail_one_after_another_end_the_sweep(
    place: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(options: Options, halt: Callable[[float], bool]) -> Path:
        raise RuntimeError("the device\nis gone")

    monkeypatch.setattr(trials, "start", failing)
    code, err = stopped(capsys, recipe(trials=9))
    assert code == 2
    assert err.splitlines()[-1].endswith(
        "3 trials failed one after another, the last of them so: RuntimeError: the device is gone"
    )
    assert [state for state, _, _ in told()] == ["FAIL"] * 3


def test_a_trial_that_is_behind_is_pruned(place: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    """By Optuna's median rule, of checkpoints that trials before it had at the same place."""
    monkeypatch.setattr("latelier.sweeps.study.STARTUP", 2)
    monkeypatch.setattr("latelier.sweeps.study.WARMUP", 0)

    def scripted(options: Options, halt: Callable[[float], bool]) -> Path:
        first = 10.0 * int(Path(options.out).name)  # a score, of which a lower one is better
        return start(options, lambda score: halt(first))

    monkeypatch.setattr(trials, "start", scripted)
    said(capsys, recipe())
    assert [state for state, _, _ in told()] == ["COMPLETE", "COMPLETE", "PRUNED"]
    assert checkpoint.last_seen(Path("found/trials/0002")) == 4  # one checkpoint
    assert checkpoint.last_seen(Path("found/trials/0001")) == 32
    assert "3 trials (2 trained, 1 pruned)" in Path("found/sweep.html").read_text()


@pytest.mark.parametrize(
    ("more", "latent", "line"),
    [
        ("wide = 3\n", "{range = [1, 4]}", "vae has no field 'wide'; there are: "),
        ("", "{range = [0, 4]}", "vae: latent is the number of latent dimensions, at least 1, not 0"),
        ("", "{range = [1, 100_000_000_000]}", "vae: with these settings its weights alone take"),
    ],
)
def test_what_training_would_refuse_is_refused_first(
    place: Path, capsys: Captured, more: str, latent: str, line: str
) -> None:
    assert line in refused(capsys, recipe(latent=latent, more=more))
    assert not Path("found").exists()


def test_what_cannot_be_a_sweep_is_refused(place: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    command = recipe()
    text = Path("recipe.toml").read_text()
    assert "sweep lacks --out" in refused(capsys, "sweep recipe.toml")
    assert "--jobs takes a whole number from 1" in refused(capsys, f"{command} --jobs 0")
    assert "is no folder of a sweep: it has no sweep.toml" in refused(capsys, "sweep pets")
    assert "exists and is not an empty folder" in refused(capsys, "sweep recipe.toml --out pets")
    for old, new, line in (
        ('"vae"', '"vea"', 'unknown model "vea"; did you mean "vae"?'),
        ('"vae"', '"pca"', "pca has no field 'net'; there are: latent, whiten"),
        ('"pets"', '"pest"', "pest"),
        ('"elbo"', '"elbow"', '--monitor elbow is no metric of this run; did you mean "elbo"?'),
        ("validation = 0.25", "validation = 0", "needs validation images"),
    ):
        Path("recipe.toml").write_text(text.replace(old, new))
        assert line in refused(capsys, command)
    Path("recipe.toml").write_text(text.replace("validation = 0.25", "validation = 0").replace('monitor = "elbo"', ""))
    assert "pets holds no images out to judge checkpoints by" in refused(capsys, command)
    Path("recipe.toml").write_text(
        text.partition("[settings]")[0].replace("vae", "pca").replace('monitor = "elbo"', "")
    )
    assert "pca is fitted in closed form" in refused(capsys, command)
    assert not Path("found").exists()
    monkeypatch.setitem(sys.modules, "optuna", None)
    Path("recipe.toml").write_text(text)
    assert 'a sweep needs optuna, not installed here: pip install "latelier[sweep]"' in refused(capsys, command)


def test_a_strangers_folder_is_not_believed(place: Path, capsys: Captured) -> None:
    recipe()
    Path("found").mkdir()
    Path("found/sweep.toml").write_text(Path("recipe.toml").read_text().replace('"vae"', '"evil.py"'))
    Path("evil.py").write_text("raise SystemExit('it was run')")
    assert "the module 'evil.py' is code outside latelier, which is not run unasked" in refused(capsys, "sweep found")
    Path("found/sweep.toml").write_text(Path("recipe.toml").read_text())
    Path("found/study.journal").write_text("no journal\n")
    assert "study.journal is damaged" in refused(capsys, "sweep found")


def test_training_ends_where_its_score_says_so(place: Path) -> None:
    given: list[float] = []

    def halt(score: float) -> bool:
        given.append(score)
        return len(given) == 3

    start(Options("vae", "pets", "run", steps=8, batch=4, validation=0.25, quiet=True, settings=["net=mlp"]), halt)
    assert checkpoint.last_seen(Path("run")) == 12
    assert [one.score for one in checkpoint.checkpoints(Path("run"))][-1] == given[-1]

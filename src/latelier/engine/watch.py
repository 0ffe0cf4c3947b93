"""Whether steps were finite, without a step that waits for a GPU.

A GPU works through what the host has queued; a number that the host reads makes it wait for all of that. So the flag
that a step was not finite stays on the device: from then on no player moves, its optimiser's own ``found_inf`` says so.
Every few steps, and before anything is logged or saved, the host reads the flag. Where it is set, training goes back to
what stood at the reading before, and plays these positions again, each step checked at once: a position is a pure
function of its place, so the same fault comes again, and is named as on a CPU. The price is one more copy of what a
checkpoint holds, on the device.
"""

import time

import torch
from torch import Tensor

from latelier.engine import parallel
from latelier.engine.plan import Plan
from latelier.engine.state import State

STEPS = 32  # on a GPU, at most, between two readings
SECONDS = 1.0  # about as long at most: processes answer a signal at a reading


class Watch:
    """Over one training's steps. ``Plan.check_every`` says how many may lie between two readings."""

    def __init__(self, state: State, plan: Plan, device: torch.device):
        self._state, self._device = state, device
        self._most = plan.check_every or (STEPS if device.type == "cuda" else 1)
        self._apart = min(self._most, 2)  # before any was timed
        self._flag = torch.zeros((), device=device)
        self._kept: tuple[int, dict[str, Tensor]] | None = None  # images seen, and all tensors
        self._at_once = 0  # images up to which each step is checked at once: those that are played again
        self._steps, self._clock = 0, 0.0  # since the last reading

    def step(self) -> Tensor | None:
        """Before each step: the flag that its moves raise, or None where they raise Diverged at once."""
        if self._immediate():
            return None
        if self._steps == 0:
            self._keep()
            self._clock = time.perf_counter()
        self._steps += 1
        return self._flag

    def due(self) -> bool:
        """Whether a reading is, by the steps since the last: the same in every process."""
        return self._immediate() or self._steps >= self._apart

    def read(self, stop: bool) -> tuple[bool, bool]:
        """Whether a step since the last reading was not finite, and whether ``stop`` is so, in any process. All
        processes must read at the same moment."""
        if self._steps == 0:
            return False, parallel.anywhere(stop, self._device)
        fault, stopping, apart = parallel.greatest([self._flag, float(stop), -self._wanted()], self._device)
        self._steps, self._apart = 0, int(-apart)
        return bool(fault), bool(stopping)

    def again(self) -> bool:
        """Whether the position that comes next has been played before."""
        return self._state.seen < self._at_once

    def failed(self) -> bool:
        """Whether an error that a step ended in may come of an earlier one that was not finite; of one process."""
        return self._steps > 0 and parallel.world() == 1 and bool(self._flag)

    def rewind(self) -> None:
        """Back to the last reading; each step up to here, and one that ended in an error, is then checked at once."""
        assert self._kept is not None
        seen, tensors = self._kept
        self._at_once, self._steps = self._state.seen + 1, 0
        self._state.seen = seen
        self._state.put_back(tensors)
        self._flag.zero_()

    def _immediate(self) -> bool:
        return self._most == 1 or self.again()

    def _wanted(self) -> int:
        """Steps until the next reading, by the time that these took."""
        took = (time.perf_counter() - self._clock) / self._steps
        return max(1, min(self._most, round(SECONDS / max(took, 1e-9))))

    def _keep(self) -> None:
        """A copy of the state, into the memory of the last one where that is of the same tensors."""
        now = self._state.tensors()
        if self._kept is not None and self._kept[1].keys() == now.keys():
            kept = self._kept[1]
            torch._foreach_copy_(list(kept.values()), list(now.values()))
        else:
            kept = {name: tensor.clone() for name, tensor in now.items()}
        self._kept = self._state.seen, kept

"""What the machine has for the steps that run side by side, and what of it each of them holds."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cellmill.run.settings import StepSettings

_CGROUP = Path("/sys/fs/cgroup/memory.max")
_VISIBLE = "CUDA_VISIBLE_DEVICES"


@dataclass
class Room:
    """What a run has, and who holds what of it. A step that asks for more than there is runs while nothing else does.

    Attributes
    ----------
    cpus
        How many steps of one processor each run at once.
    memory
        Bytes; None where that is not known.
    gpus
        The names of the graphics processors, as ``CUDA_VISIBLE_DEVICES`` has them.
    """

    cpus: int
    memory: int | None
    gpus: tuple[str, ...]
    _held: dict[str, StepSettings] = field(default_factory=dict)
    _devices: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of_machine(cls, jobs: int) -> Room:
        """What a run of up to ``jobs`` steps at once has here."""
        return cls(jobs, _memory(), _gpus())

    def excess(self, name: str, step: StepSettings) -> str | None:
        """A sentence about a step that asks for more than there is."""
        parts = []
        if step.memory is not None and self.memory is not None and step.memory > self.memory:
            parts.append(f"{_gigabytes(step.memory)} of memory, and there are {_gigabytes(self.memory)}")
        if step.gpus > len(self.gpus):
            parts.append(f"{step.gpus} GPU{'s' if step.gpus > 1 else ''}, and there are {len(self.gpus) or 'none'}")
        return f"Step {name} asks for {' and for '.join(parts)}; nothing runs beside it." if parts else None

    def take(self, name: str, step: StepSettings) -> bool:
        """Let a step begin, if there is room for it now."""
        if self._held and not self._fits(step):
            return False
        free = [one for one in self.gpus if all(one not in held for held in self._devices.values())]
        self._held[name] = step
        self._devices[name] = tuple(free[: step.gpus])
        return True

    def leave(self, name: str) -> None:
        """Take back what a step held."""
        del self._held[name], self._devices[name]

    def environment(self, name: str) -> dict[str, str]:
        """The variables by which a step knows its part; one that asks for no GPU keeps what is set for all."""
        devices = self._devices.get(name)
        return {_VISIBLE: ",".join(devices)} if devices else {}

    def _fits(self, step: StepSettings) -> bool:
        held = self._held.values()
        if sum(one.cpus for one in held) + step.cpus > self.cpus:
            return False
        memory = sum(one.memory or 0 for one in held) + (step.memory or 0)
        if step.memory and self.memory is not None and memory > self.memory:
            return False
        return not step.gpus or sum(one.gpus for one in held) + step.gpus <= len(self.gpus)


def _memory() -> int | None:
    """The machine's memory, or what the control group of this process may use of it."""
    try:
        found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError, AttributeError):
        return None
    try:
        allowed = _CGROUP.read_text().strip()
    except OSError:
        return found
    return min(found, int(allowed)) if allowed.isdecimal() else found


def _gpus(environment: Mapping[str, str] = os.environ, devices: Path = Path("/dev")) -> tuple[str, ...]:
    given = environment.get(_VISIBLE)
    if given is not None:
        return tuple(one.strip() for one in given.split(",") if one.strip() and one.strip() != "-1")
    return _numbers([found.name.removeprefix("nvidia") for found in devices.glob("nvidia*")])


def _numbers(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted((name for name in names if name.isdecimal()), key=int))


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.1f} GB"

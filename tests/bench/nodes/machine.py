"""Who uses the processors of this machine, and how fast they are at the moment."""

import os
from pathlib import Path
from time import perf_counter, thread_time
from typing import NamedTuple

_TICKS = os.sysconf("SC_CLK_TCK")
_YARDSTICK = range(300_000)


class Used(NamedTuple):
    """Seconds of processor so far, and when."""

    moment: float
    nodes: float
    database: float
    bench: float
    everybody: float

    @classmethod
    def so_far(cls, program):
        """As the kernel counts now; `program` is what the nodes run."""
        seconds = _by_name_of_descendant()
        nodes = seconds.pop(Path(program).name[:15], 0.0)
        database = seconds.pop("mongod", 0.0)
        return cls(perf_counter(), nodes, database, sum(seconds.values()), _everybody())

    def since(self, before):
        """What was used between."""
        return Used(*(now - then for now, then in zip(self, before, strict=True)))

    @property
    def cores_of_others(self):
        """How many processors programs used that do not belong to the bench."""
        others = self.everybody - self.nodes - self.database - self.bench
        return max(0.0, others) / self.moment


def yardstick():
    """Seconds of processor for a fixed computation: more where the machine is shared."""
    began = thread_time()
    sum(number & 7 for number in _YARDSTICK)
    return thread_time() - began


def _by_name_of_descendant():
    """Seconds of this process and of all that it has started, and those have, by program."""
    processes = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            head, tail = (folder / "stat").read_text().rsplit(")", 1)
        except (FileNotFoundError, ProcessLookupError):
            continue
        fields = tail.split()
        ticks = int(fields[11]) + int(fields[12])
        processes[int(folder.name)] = (int(fields[1]), head.split("(", 1)[1], ticks)
    seconds = {}
    for pid, (_, name, ticks) in processes.items():
        if _descends(pid, processes):
            seconds[name] = seconds.get(name, 0.0) + ticks / _TICKS
    return seconds


def _descends(pid, processes):
    while pid in processes:
        if pid == os.getpid():
            return True
        pid = processes[pid][0]
    return False


def _everybody():
    fields = Path("/proc/stat").read_text().splitlines()[0].split()
    user, nice, system, _idle, _waiting, *interrupts_and_stolen = map(int, fields[1:9])
    return (user + nice + system + sum(interrupts_and_stolen)) / _TICKS

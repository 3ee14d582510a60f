"""What is measured while something happens: memory of the process, and how long a client waits."""

import json
import os
import signal
import statistics
import threading
import time
from pathlib import Path

_PAUSE = 0.02
_KIB_PER_MIB = 1024
_RESET_PEAK = "5"


class Memory:
    """Looks at a process all the time, and ends it before it takes the machine's memory."""

    def __init__(self, pid, most_mib):
        self.pid, self._most = pid, most_mib
        self.has_ended_it = False
        self._ended = threading.Event()
        threading.Thread(target=self._look, daemon=True).start()

    def stop(self):
        """Look no longer."""
        self._ended.set()

    def resident(self):
        """MiB that are resident now; 0: there is no process."""
        return self._field("VmRSS:")

    def peak(self):
        """The most MiB that were resident since `forget_peak`."""
        return self._field("VmHWM:")

    def forget_peak(self):
        """The peak is from now on that of what comes."""
        Path(f"/proc/{self.pid}/clear_refs").write_text(_RESET_PEAK, encoding="ascii")

    def _field(self, name):
        try:
            lines = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines()
        except (FileNotFoundError, ProcessLookupError):
            return 0
        return next((int(x.split()[1]) / _KIB_PER_MIB for x in lines if x.startswith(name)), 0)

    def _look(self):
        while not self._ended.wait(_PAUSE):
            if (resident := self.resident()) > self._most:
                self.has_ended_it = True
                os.kill(self.pid, signal.SIGKILL)
                return
            if not resident:
                return


class Samples:
    """What the prober has written."""

    def __init__(self, file):
        self._file = file

    def all(self):
        """Every whole line."""
        if not self._file.exists():
            return []
        text = self._file.read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def between(self, began, ended):
        """How long messages took that were sent in this time, in milliseconds."""
        within = [sample for sample in self.all() if began <= sample["at"] < ended]
        good = [sample for sample in within if "seen" in sample]
        seen, sent = (sorted(1000 * one[what] for one in good) for what in ("seen", "sent"))
        if not seen:
            return {"count": 0, "failures": len(within)}
        return {
            "count": len(good),
            "failures": len(within) - len(good),
            "sent_median_ms": statistics.median(sent),
            "seen_median_ms": statistics.median(seen),
            "seen_p95_ms": seen[min(len(seen) - 1, len(seen) * 95 // 100)],
            "seen_most_ms": seen[-1],
        }


def waited(look, seconds):
    """Whether `look` came true in time; and in how many seconds."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if look():
            return True, time.monotonic() - began
        time.sleep(0.1)
    return False, time.monotonic() - began

"""Programs that run beside the tests: started with a log file, ended by process id."""

import os
import shutil
import signal
import subprocess
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from waiting import eventually

running = {}
"""Every program that has been started and not ended, by its name."""

# "Its parent" is the thread that started it. This one lives as long as the test run.
_starter = ThreadPoolExecutor(max_workers=1)


def _dying_with_its_parent(command):
    """No server outlives a test run that was killed, where util-linux can see to it."""
    if setpriv := shutil.which("setpriv"):
        return [setpriv, "--pdeathsig", "KILL", *command]
    return command


class Program:
    """One program, possibly started several times in its life."""

    def __init__(self, name, command, log, environment=None):
        self.name = name
        self.log = log
        self._command = _dying_with_its_parent([str(word) for word in command])
        self._environment = environment
        self._process = None

    def start(self, ready, deadline=30.0):
        """Start the program and wait until `ready` answers true."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = _starter.submit(
                subprocess.Popen,
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
            ).result()
        running[self.name] = self

        def is_ready():
            if (status := self._process.poll()) is not None:
                raise RuntimeError(f"{self.name} ended with {status}:\n{self.tail()}")
            return ready()

        try:
            eventually(is_ready, f"{self.name} is ready", deadline)
        except AssertionError as error:
            raise RuntimeError(f"{error}:\n{self.tail()}") from error

    @property
    def pid(self):
        """The process id."""
        return self._process.pid

    def processor_seconds(self):
        """How long the process has computed, on all cores together."""
        stat = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii")
        user, system = stat.rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def is_alive(self):
        """True while the process exists."""
        return self._process is not None and self._process.poll() is None

    def kill(self):
        """End the process at once, as a crash of the machine would."""
        self._end(signal.SIGKILL)

    def stop(self, deadline=15.0):
        """Ask the process to end, and insist after the deadline."""
        self._end(signal.SIGTERM, deadline)

    def signal(self, number):
        """Send the process a signal."""
        os.kill(self._process.pid, number)

    def tail(self, lines=60):
        """The end of the log."""
        if not self.log.exists():
            return ""
        with self.log.open(errors="replace") as log:
            return "".join(deque(log, lines))

    def _end(self, how, deadline=15.0):
        running.pop(self.name, None)
        if not self.is_alive():
            return
        os.kill(self._process.pid, how)
        try:
            self._process.wait(deadline)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

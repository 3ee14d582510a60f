"""The people of one library on one server: a process that is asked over `wire.py`'s lines."""

import json
import subprocess


class Refused(Exception):
    """The server said no."""

    def __init__(self, how):
        super().__init__(str(how))
        self.how = how


class Cast:
    """The running library."""

    Refused = Refused

    def __init__(self, command, server, log):
        self.server_name = server.name
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log = log.open("w")
        self._process = subprocess.Popen(
            [*map(str, command), server.url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def person(self, who):
        """Someone who has the library's client."""
        return Person(self, who)

    def ask(self, who, verb, arguments):
        """Have someone do something; returns the answer."""
        question = {"who": who, "verb": verb, "arguments": arguments}
        print(json.dumps(question), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the library ended during {verb} of {who}: see {self._log.name}")
        answer = json.loads(line)
        if "refused" in answer:
            raise Refused(answer["refused"])
        if "broken" in answer:
            raise RuntimeError(f"{verb} of {who}: {answer['broken']}")
        return answer.get("answer")

    def leaves_the_stage(self):
        """End the process."""
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


class Person:
    """Every method that is not here is a verb of the library's `Person`."""

    def __init__(self, cast, who):
        self._cast = cast
        self._who = who
        self.user_id = None

    def __str__(self):
        return self._who

    def __getattr__(self, verb):
        return lambda **arguments: self._cast.ask(self._who, verb, arguments)

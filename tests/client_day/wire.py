"""How the day speaks to a library: one JSON document a line, a question in, its answer out.

    {"who": "alice", "verb": "send", "arguments": {...}}
    {"answer": ...}  or  {"refused": {"status": 403, "errcode": "M_FORBIDDEN"}}
    or  {"broken": "a traceback"}

The libraries need environments of their own, so each runs in a process of its own. This module
wants nothing but the standard library.
"""

import asyncio
import json
import sys
import traceback


class Refused(Exception):
    """The server said no, in the words of the specification."""

    def __init__(self, status, errcode):
        super().__init__(f"{status} {errcode}")
        self.status = status
        self.errcode = errcode


def serve(new_person):
    """Answer questions until standard input ends. `new_person(url)` makes whoever is not known."""
    asyncio.run(_serve(new_person, sys.argv[1]))


async def _serve(new_person, url):
    questions = await _standard_input()
    people = {}
    while line := await questions.readline():
        question = json.loads(line)
        who = question["who"]
        if who not in people:
            people[who] = new_person(url)
        answer = await _answer(people[who], question)
        print(json.dumps(answer, default=str), flush=True)
    for person in people.values():
        await person.close()


async def _answer(person, question):
    try:
        return {"answer": await getattr(person, question["verb"])(**question["arguments"])}
    except Refused as refused:
        return {"refused": {"status": refused.status, "errcode": refused.errcode}}
    except Exception:
        return {"broken": traceback.format_exc()}


async def _standard_input():
    reader = asyncio.StreamReader(limit=2**24)
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    return reader


async def until(look, what, deadline=30):
    """Repeat `look` until it returns something true, and return that."""
    loop = asyncio.get_running_loop()
    end = loop.time() + deadline
    while not (seen := look()):
        if loop.time() > end:
            raise AssertionError(f"{what}: not within {deadline} s")
        await asyncio.sleep(0.02)
    return seen

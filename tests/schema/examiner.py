"""What each operation is asked, and what its answers are held to."""

import random

import requests
from calls import NOTHING, Call
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from ids import escaped, fill, filled_path, unknown_place, uri
from report import NO_2XX, REMOTE, SCHEMA, SERVER_ERROR, Fault, Line
from schemathesis import GenerationMode
from schemathesis.core import NOT_SET
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

_TIMEOUT = 30
_GOOD_VALUES_IN_TEN = 8

EXAMPLES = {GenerationMode.POSITIVE: 12, GenerationMode.NEGATIVE: 6}
"""With the request by hand and the one without authorization: 20 for each operation."""


class Examiner:
    """Asks the operations of one API."""

    def __init__(self, url, recipes, new_world, number):
        self._url = url
        self._recipes = recipes
        self._new_world = new_world
        self._seed = number
        self._http = requests.Session()

    def examine(self, operation):
        """Send all requests of one operation; the line of the report about them."""
        line = Line(operation)
        if not self._is_there(operation):
            return line
        line.is_there = True
        world = self._new_world()
        good = self._by_hand(operation, world, line)
        for mode, count in EXAMPLES.items():
            self._generated(operation, world, good, line, mode, count)
        return line

    def _is_there(self, operation):
        """False if the server says that it does not know the place, or the method there."""
        where = self._url + unknown_place(operation)
        answer = self._http.request(operation.method, where, timeout=_TIMEOUT)
        return not (answer.status_code in (404, 405) and _errcode(answer) == "M_UNRECOGNIZED")

    def _by_hand(self, operation, world, line):
        """Send the request of the recipe, once without authorization; the request."""
        try:
            call = self._completed(operation, world)
        except Exception as error:  # noqa: BLE001 - whatever keeps a recipe from its request
            line.faults.append(Fault(NO_2XX, f"the request by hand cannot be made: {error}"))
            return Call()
        case = operation.definition.Case(
            path_parameters={name: escaped(value) for name, value in call.path.items()},
            query=call.query,
            body=NOT_SET if call.body is NOTHING else call.body,
            media_type=None if call.body is NOTHING else call.media_type,
        )
        if operation.needs_token:
            self._without_token(case, line)
        self._send(case, world, line, call.session)
        return call

    def _completed(self, operation, world):
        """The recipe's request with every parameter of the path, and authenticated."""
        recipe = self._recipes.get(operation.name, lambda _: Call())
        call = recipe(world)
        call.path = filled_path(operation, world, call.path)
        if call.interactive:
            where = uri(operation, call.path)
            call.body = world.with_password(operation.method, where, call.body)
        return call

    def _generated(self, operation, world, good, line, mode, count):
        chances = random.Random(f"{self._seed} {operation.line} {mode}")

        def chance():
            return chances.randrange(10) < _GOOD_VALUES_IN_TEN

        @seed(self._seed)
        @settings(
            max_examples=count,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.definition.as_strategy(generation_mode=mode))
        def ask(case):
            fill(case, world, good, chance, cures=mode.is_positive)
            self._send(case, world, line, good.session)

        try:
            ask()
        except Unsatisfiable:
            # Without parameters and body there is nothing that could be wrong.
            pass

    def _send(self, case, world, line, session):
        answer = case.call(
            self._url,
            session=self._http,
            auth=_authorization(world, session),
            timeout=_TIMEOUT,
            allow_redirects=False,
        )
        line.count(answer.status_code)
        line.faults.extend(_faults(case, answer))

    def _without_token(self, case, line):
        answer = case.call(
            self._url, session=self._http, timeout=_TIMEOUT, allow_redirects=False
        )
        line.count(answer.status_code)
        if answer.status_code != 401:
            title = f"without authorization: {_shown(answer)}, expected 401"
            line.faults.append(Fault(SCHEMA, title, _request(answer)))
        line.faults.extend(_faults(case, answer))


def _authorization(world, session):
    if hasattr(world, "signature"):
        return world.signature
    return _Bearer((session or world.account).token)


class _Bearer(requests.auth.AuthBase):
    def __init__(self, token):
        self._token = token

    def __call__(self, request):
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _faults(case, answer):
    """What is wrong with an answer, whatever the request was."""
    status = answer.status_code
    if status >= 500:
        kind = REMOTE if _is_about_another_server(answer) else SERVER_ERROR
        yield Fault(kind, _shown(answer), _request(answer))
    elif status < 300:
        yield from _violations(
            case,
            answer,
            [status_code_conformance, content_type_conformance, response_schema_conformance],
        )
    elif status >= 400:
        yield from _error_faults(case, answer)


def _error_faults(case, answer):
    if not _is_error(answer):
        yield Fault(SCHEMA, f"an error without errcode: {_shown(answer)}", _request(answer))
    elif answer.status_code != 401:
        # The specification's 401 is a step of interactive authentication, ours often a lack of token.
        yield from _violations(case, answer, [response_schema_conformance])


def _violations(case, answer, checks):
    try:
        case.validate_response(answer, checks=checks)
    except FailureGroup as group:
        for failure in group.exceptions:
            title = f"{answer.status_code}: {failure.title}: {failure.message}"
            yield Fault(SCHEMA, title, _request(answer))


def _is_error(answer):
    """An object with errcode, or a step of interactive authentication, which has none at first."""
    try:
        body = answer.json()
    except ValueError:
        return False
    if answer.status_code == 401 and "flows" in body:
        return True
    return isinstance(body.get("errcode"), str) and isinstance(body.get("error"), str)


def _is_about_another_server(answer):
    """A generated request named a server that does not exist, so it cannot be reached."""
    return answer.status_code == 502 and "cannot be reached" in answer.text


def _errcode(answer):
    try:
        return answer.json().get("errcode")
    except (ValueError, AttributeError):
        return None


def _shown(answer):
    return f"{answer.status_code} {answer.content[:300].decode(errors='replace')}"


def _request(answer):
    request = answer.request
    body = request.body or b""
    shown = body if isinstance(body, str) else body[:500].decode(errors="replace")
    return f"{request.method} {request.url} {shown[:500]}"

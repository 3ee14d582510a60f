"""Parameters by name: which prepared id of a world stands for each."""

from urllib.parse import quote

PATH = {
    "deviceId": lambda world: world.device_id,
    "eventId": lambda world: world.event_id,
    "eventType": lambda _: "m.room.message",
    "fileName": lambda _: "picture.png",
    "filterId": lambda world: world.filter_id,
    "keyName": lambda _: "displayname",
    "kind": lambda _: "override",
    "mediaId": lambda world: world.media_id,
    "receiptType": lambda _: "m.read",
    "relType": lambda _: "m.thread",
    "roomAlias": lambda world: world.alias,
    "roomId": lambda world: world.room_id,
    "roomIdOrAlias": lambda world: world.room_id,
    "ruleId": lambda _: ".m.rule.master",
    "serverName": lambda world: world.server.name,
    "sessionId": lambda world: world.session_id,
    "stateKey": lambda _: "",
    "tag": lambda _: "m.favourite",
    "type": lambda _: "org.example.note",
    "userId": lambda world: world.account.user_id,
    "version": lambda world: world.backup_version,
}
"""What requests by hand carry in the path unless their recipe says otherwise."""

QUERY = {
    "event_id": lambda world: world.event_id,
    "room_alias": lambda world: world.alias,
    "room_id": lambda world: world.room_id,
    "user_id": lambda world: world.account.user_id,
    "version": lambda world: world.backup_version,
}
"""What generated requests carry in the query in most cases."""

BODY = {
    "event_id": lambda world: world.event_id,
    "room_id": lambda world: world.room_id,
    "user_id": lambda world: world.account.user_id,
}
"""The same for the fields of a body."""

# A known transaction is not done again; authentication ends what other requests are made with.
_ONCE = ("auth", "txnId")
_WAITS_MS = 20
_WAITING = ("timeout", "timeout_ms")
_NOTHING_HERE = "x"


def parameters(definition, place):
    """The declared parameters of one place: `path` or `query`."""
    return list(getattr(definition, "path_parameters" if place == "path" else place))


def unknown_place(operation):
    """The operation's path with parameters that lead nowhere."""
    path = operation.path
    for parameter in parameters(operation.definition, "path"):
        path = path.replace("{" + parameter.name + "}", _NOTHING_HERE)
    return path


def uri(operation, values):
    """The operation's path with the given parameters, escaped."""
    path = operation.path
    for name, value in values.items():
        path = path.replace("{" + name + "}", escaped(value))
    return path


def filled_path(operation, world, replaced):
    """A value for each parameter of the path: the recipe's, or a prepared one."""
    values = dict(replaced)
    for parameter in parameters(operation.definition, "path"):
        if parameter.name not in values:
            make = PATH.get(parameter.name)
            values[parameter.name] = make(world) if make else f"{parameter.name}-{world.number}"
    return values


def fill(case, world, good, chance, cures):
    """Put good values into a generated request, each where `chance` answers true.

    `good` is the request by hand, whose values go before the prepared ids. A request that is wrong
    on purpose is not cured: only its path may lead somewhere. Waiting is cut short in any case: 20 requests that wait as long as they like never end.
    """
    _fill(case.path_parameters, PATH, good.path, world, chance, escaped)
    if cures:
        _fill(case.query, QUERY, good.query, world, chance)
        _fill(case.body, BODY, good.body, world, chance)
    for name in _WAITING:
        if isinstance(case.query, dict) and name in case.query:
            case.query[name] = _WAITS_MS


def escaped(value):
    """A value as it stands in a path; Schemathesis escapes only what it has generated itself."""
    return quote(value, safe="")


def _fill(values, prepared, by_hand, world, chance, form=lambda value: value):
    if not isinstance(values, dict):
        return
    by_hand = by_hand if isinstance(by_hand, dict) else {}
    for name in values:
        if name in _ONCE or not chance():
            continue
        if name in by_hand:
            values[name] = form(by_hand[name])
        elif name in prepared:
            values[name] = form(prepared[name](world))

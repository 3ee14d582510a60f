"""Bad input from another server is refused and changes nothing."""

from types import SimpleNamespace

import pytest
from fake_server import FakeServer, Key, event_id, sign_event
from matrix_http import MatrixHttp
from waiting import eventually

_AN_HOUR_AGO = -3_600_000


@pytest.fixture(scope="module")
def fake(authority):
    """A server that is what it says, until a test makes it lie."""
    server = FakeServer(authority, "127.0.0.9")
    yield server
    server.close()


@pytest.fixture(scope="module")
def other(authority):
    """Another server, in whose name the first one lies."""
    server = FakeServer(authority, "127.0.0.10")
    yield server
    server.close()


@pytest.fixture(scope="module")
def stage(engine, gantry, fake):
    """Alice in a room of hers, where somebody from the fake server has joined."""
    alice = MatrixHttp.register(gantry.url, f"alice-federation-input-{engine}")
    room_id = alice.create_room(room_version="11")
    room = fake.join(gantry, room_id, "white-rabbit")
    stage = SimpleNamespace(gantry=gantry, alice=alice, room=room, fake=fake)
    assert_only_later_events_arrive(stage)
    return stage


def assert_only_later_events_arrive(stage, *refused):
    """An event sent later has arrived, so the refused ones would have arrived by now."""
    sentinel = stage.fake.signed(stage.room.next_event())
    answer = stage.fake.send(stage.gantry, [sentinel])
    assert answer.status_code == 200, answer.text
    stage.room.follow(sentinel)
    eventually(
        lambda: stage.alice.event(stage.room.room_id, event_id(sentinel)),
        "a good event of the fake server arrives",
    )
    for event in refused:
        assert stage.alice.event(stage.room.room_id, event_id(event)) is None, event
    timeline = {event["event_id"] for event in stage.alice.all_messages(stage.room.room_id)}
    assert timeline.isdisjoint(event_id(event) for event in refused)


def assert_unauthorized(answer):
    assert answer.status_code == 401, f"{answer.status_code} {answer.text}"
    assert answer.json()["errcode"] in ("M_UNAUTHORIZED", "M_FORBIDDEN"), answer.text


def test_request_without_a_signature(stage):
    event = stage.fake.signed(stage.room.next_event())
    uri, body = stage.fake.transaction([event])

    answer = stage.fake.ask(stage.gantry, "PUT", uri, body, authorization="")

    assert_unauthorized(answer)
    assert_only_later_events_arrive(stage, event)


def test_request_with_the_signature_of_another_body(stage):
    event = stage.fake.signed(stage.room.next_event())
    uri, body = stage.fake.transaction([event])
    _, signed_body = stage.fake.transaction([])
    authorization = stage.fake.authorization(stage.gantry, "PUT", uri, signed_body)

    answer = stage.fake.ask(stage.gantry, "PUT", uri, body, authorization=authorization)

    assert_unauthorized(answer)
    assert_only_later_events_arrive(stage, event)


def test_request_for_another_destination(stage):
    event = stage.fake.signed(stage.room.next_event())
    uri, body = stage.fake.transaction([event])
    authorization = stage.fake.authorization(
        stage.gantry, "PUT", uri, body, destination="elsewhere.example"
    )

    answer = stage.fake.ask(stage.gantry, "PUT", uri, body, authorization=authorization)

    assert_unauthorized(answer)
    assert_only_later_events_arrive(stage, event)


def test_forged_origin(stage, other):
    event = stage.fake.signed(stage.room.next_event())
    uri, body = stage.fake.transaction([event])
    authorization = stage.fake.authorization(stage.gantry, "PUT", uri, body, origin=other.name)

    answer = stage.fake.ask(stage.gantry, "PUT", uri, body, authorization=authorization)

    assert_unauthorized(answer)
    assert_only_later_events_arrive(stage, event)


def test_server_whose_keys_have_expired(stage, authority):
    expired = FakeServer(authority, "127.0.0.11", keys_valid_for_ms=_AN_HOUR_AGO)

    answer = expired.query(stage.gantry, stage.alice.user_id)

    expired.close()
    assert_unauthorized(answer)


def test_query_of_a_server_whose_keys_are_valid(stage):
    answer = stage.fake.query(stage.gantry, stage.alice.user_id)

    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(("pdus", "edus"), [(51, 0), (0, 101)])
def test_transaction_with_too_many_parts(stage, pdus, edus):
    events = [
        stage.fake.signed(stage.room.next_event(content={"msgtype": "m.text", "body": f"{number}"}))
        for number in range(pdus)
    ]
    unknown_edu = {"edu_type": "org.example.nothing", "content": {}}

    answer = stage.fake.send(stage.gantry, events, [unknown_edu] * edus)

    assert answer.status_code == 400, answer.text
    assert_only_later_events_arrive(stage, *events)


def test_event_with_a_wrong_signature(stage):
    event = stage.room.next_event(content={"msgtype": "m.text", "body": "wrong signature"})
    impostor = Key(stage.fake.key.id.removeprefix("ed25519:"))
    sign_event(event, stage.fake.name, impostor)

    answer = stage.fake.send(stage.gantry, [event])

    assert answer.status_code == 200, answer.text
    assert_only_later_events_arrive(stage, event)


def test_event_without_a_signature(stage):
    event = {**stage.room.next_event(), "signatures": {}}

    answer = stage.fake.send(stage.gantry, [event])

    assert answer.status_code == 200, answer.text
    assert_only_later_events_arrive(stage, event)


def test_event_signed_with_a_key_that_was_retired_before(stage):
    event = stage.room.next_event(content={"msgtype": "m.text", "body": "retired key"})
    stage.fake.signed(event, stage.fake.retired_key)

    answer = stage.fake.send(stage.gantry, [event])

    assert answer.status_code == 200, answer.text
    assert_only_later_events_arrive(stage, event)


def test_event_in_the_name_of_another_servers_user(stage):
    event = stage.fake.signed(stage.room.next_event(sender=stage.alice.user_id))

    answer = stage.fake.send(stage.gantry, [event])

    assert answer.status_code == 200, answer.text
    assert_only_later_events_arrive(stage, event)


def test_event_with_a_wrong_hash_arrives_redacted(stage):
    event = stage.fake.signed(stage.room.next_event())
    event["content"] = {"msgtype": "m.text", "body": "changed on the way"}

    answer = stage.fake.send(stage.gantry, [event])

    assert answer.status_code == 200, answer.text
    stored = eventually(
        lambda: stage.alice.event(stage.room.room_id, event_id(event)), "the event arrives"
    )
    assert stored["content"] == {}
    assert_only_later_events_arrive(stage)


def test_event_that_the_power_levels_forbid_is_rejected(stage):
    state = stage.alice.state(stage.room.room_id)
    event = stage.room.next_event(
        type="m.room.topic", state_key="", content={"topic": "off with their heads"}
    )
    stage.fake.signed(event)

    answer = stage.fake.send(stage.gantry, [event])

    assert answer.status_code == 200, answer.text
    assert_only_later_events_arrive(stage, event)
    assert stage.alice.state(stage.room.room_id) == state


@pytest.mark.parametrize(
    "field",
    [{"body": "x" * 65_536}, {"number": 2**53}, {"number": 1.5}],
    ids=["over 65,535 bytes", "number too large", "fraction"],
)
def test_event_outside_the_format(stage, field):
    event = stage.room.next_event(content={"msgtype": "m.text", "body": "fine", **field})
    stage.fake.signed(event)

    answer = stage.fake.send(stage.gantry, [event])

    assert answer.status_code in (200, 400), answer.text
    assert_only_later_events_arrive(stage, event)


def test_event_that_is_a_depth_bomb(stage):
    bomb = 1
    for _ in range(300):
        bomb = {"a": bomb}
    event = stage.fake.signed(stage.room.next_event(content={"bomb": bomb}, type="org.example"))

    answer = stage.fake.send(stage.gantry, [event])

    assert answer.status_code in (200, 400), answer.text
    assert_only_later_events_arrive(stage)


def test_join_of_a_server_that_does_not_know_the_room_version(stage):
    user_id = f"@dormouse:{stage.fake.name}"

    answer = stage.fake.ask(
        stage.gantry,
        "GET",
        f"/_matrix/federation/v1/make_join/{stage.room.room_id}/{user_id}?ver=looking-glass",
    )

    assert answer.status_code == 400, answer.text
    assert answer.json()["errcode"] == "M_INCOMPATIBLE_ROOM_VERSION", answer.text

"""The signing key is exchanged: other servers take the new one and still know the old one."""

import pytest
from matrix_http import MatrixHttp
from waiting import eventually


@pytest.fixture
def careful(new_gantry):
    """A server that nothing else uses."""
    server = new_gantry("redb", "careful")
    server.start()
    yield server
    server.stop()


def test_a_new_key_signs_and_the_old_one_stays_published(careful, synapse):
    alice = MatrixHttp.register(careful.url, "alice")
    carol = MatrixHttp.register(synapse.url, "carol-trusts-new-keys")
    room_id = alice.create_room(room_version="11")
    before = alice.send(room_id, "signed with the first key", "1")
    carol.join(room_id, via=careful.name)
    first = _keys(alice)

    careful.stop()
    careful.administer("rotate-key")
    careful.start()

    second = _keys(alice)
    (first_id,) = first["verify_keys"]
    assert first_id not in second["verify_keys"]
    old = second["old_verify_keys"][first_id]
    assert old["key"] == first["verify_keys"][first_id]["key"]
    assert 0 < old["expired_ts"] <= second["valid_until_ts"]
    after = alice.send(room_id, "signed with the second key", "2")
    eventually(lambda: carol.event(room_id, after), "Synapse takes what the new key signed")
    eventually(
        lambda: before in {event["event_id"] for event in carol.all_messages(room_id)},
        "Synapse fetches and takes what the first key signed",
    )


def _keys(person):
    return person.get("/_matrix/key/v2/server").json()

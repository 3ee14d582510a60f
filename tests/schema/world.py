"""What requests refer to: an account, a room, an event and so on, each made when first needed.

Every operation gets a world of its own. So whatever a request destroys, the next operation finds
everything whole, and no request needs to be left out because of what it destroys.
"""

import hashlib
import hmac
import itertools
import struct
import time
import zlib
from functools import cached_property

from device_keys import DeviceKeys
from matrix_http import MatrixHttp, path

PASSWORD = "off with their heads"
SHARED_SECRET = "a secret of this test run"

_numbers = itertools.count(1)


class World:
    """The prepared ids of one operation."""

    def __init__(self, server, mailbox):
        self.server = server
        self.mailbox = mailbox
        self.number = next(_numbers)

    @cached_property
    def account(self):
        """The one who asks."""
        return self._register("alice")

    @cached_property
    def other(self):
        """Somebody else on the same server, who is in none of Alice's rooms."""
        return self._register("bob")

    @cached_property
    def admin(self):
        """A server administrator."""
        url = "/_synapse/admin/v1/register"
        http = MatrixHttp(self.server.url)
        nonce = http.get(url).json()["nonce"]
        name = f"admin-{self.number}"
        text = "\0".join([nonce, name, PASSWORD, "admin"])
        mac = hmac.new(SHARED_SECRET.encode(), text.encode(), hashlib.sha1).hexdigest()
        body = {"nonce": nonce, "username": name, "password": PASSWORD, "admin": True, "mac": mac}
        account = done(http.post(url, json=body)).json()
        return MatrixHttp(self.server.url, account["access_token"], account["user_id"])

    @cached_property
    def device_id(self):
        """Alice's device."""
        return done(self.account.get(path("account", "whoami"))).json()["device_id"]

    @cached_property
    def device_keys(self):
        """The keys of Alice's device and of Alice, not uploaded."""
        return DeviceKeys(self.account.user_id, self.device_id)

    @cached_property
    def room_id(self):
        """A public room of Alice's."""
        return self.account.create_room(name="Wonderland")

    @cached_property
    def event_id(self):
        """A message of Alice's in the room."""
        return self.account.send(self.room_id, "curiouser and curiouser", f"event-{self.number}")

    @cached_property
    def reply_id(self):
        """The first message of a thread below `event_id`."""
        where = path("rooms", self.room_id, "send", "m.room.message", f"reply-{self.number}")
        relation = {"rel_type": "m.thread", "event_id": self.event_id}
        body = {"msgtype": "m.text", "body": "indeed", "m.relates_to": relation}
        return done(self.account.put(where, json=body)).json()["event_id"]

    @cached_property
    def space_id(self):
        """A space of Alice's that contains the room."""
        space = self.account.create_room(creation_content={"type": "m.space"})
        where = path("rooms", space, "state", "m.space.child", self.room_id)
        done(self.account.put(where, json={"via": [self.server.name]}))
        return space

    @cached_property
    def knockable(self):
        """A room of Bob's in which one may knock."""
        rule = {"type": "m.room.join_rules", "state_key": "", "content": {"join_rule": "knock"}}
        return self.other.create_room(preset="private_chat", initial_state=[rule])

    @cached_property
    def free_alias(self):
        """An alias that leads nowhere."""
        return f"#free-{self.number}:{self.server.name}"

    @cached_property
    def alias(self):
        """An alias of the room."""
        alias = f"#wonderland-{self.number}:{self.server.name}"
        done(self.account.put(path("directory", "room", alias), json={"room_id": self.room_id}))
        return alias

    @cached_property
    def filter_id(self):
        """A filter of Alice's."""
        where = path("user", self.account.user_id, "filter")
        return done(self.account.post(where, json={})).json()["filter_id"]

    @cached_property
    def address(self):
        """An e-mail address of nobody's."""
        return f"alice-{self.number}@example.org"

    @cached_property
    def proven_address(self):
        """The proof that `address` is Alice's, as she would add it to her account."""
        proof = {"client_secret": f"secret{self.number}"}
        where = path("account", "3pid", "email", "requestToken")
        body = {**proof, "email": self.address, "send_attempt": 1}
        proof["sid"] = done(self.account.post(where, json=body)).json()["sid"]
        link = self.mailbox.link_parameters(self.address)
        done(self.account.post("/_gantry/email/confirm", params=link))
        return proof

    @cached_property
    def added_address(self):
        """`address`, which is Alice's now."""
        where = path("account", "3pid", "add")
        body = self.with_password("POST", where, self.proven_address)
        done(self.account.post(where, json=body))
        return self.address

    @cached_property
    def sync_token(self):
        """Where Alice's stream stands."""
        return done(self.account.get(path("sync"), params={"timeout": 0})).json()["next_batch"]

    @cached_property
    def media_id(self):
        """A small picture, uploaded by Alice."""
        headers = {"Content-Type": "image/png"}
        answer = self.account.post("/_matrix/media/v3/upload", data=picture(), headers=headers)
        return done(answer).json()["content_uri"].rsplit("/", 1)[1]

    @cached_property
    def reserved_media_id(self):
        """A media id that waits for its content."""
        answer = done(self.account.post("/_matrix/media/v1/create"))
        return answer.json()["content_uri"].rsplit("/", 1)[1]

    @cached_property
    def backup_version(self):
        """A backup of room keys with one key in it."""
        version = done(self.account.post(path("room_keys", "version"), json=self.backup)).json()
        where = path("room_keys", "keys", self.room_id, self.session_id)
        query = {"version": version["version"]}
        done(self.account.put(where, params=query, json=self.backed_up_key))
        return version["version"]

    backup = {
        "algorithm": "m.megolm_backup.v1.curve25519-aes-sha2",
        "auth_data": {"public_key": "abcdefg", "signatures": {}},
    }
    session_id = "a-session"
    backed_up_key = {
        "first_message_index": 1,
        "forwarded_count": 0,
        "is_verified": True,
        "session_data": {"ciphertext": "YQ", "ephemeral": "Yg", "mac": "Yw"},
    }

    def joined_by_other(self):
        """The room, in which Bob is now."""
        done(self.other.post(path("join", self.room_id), json={}))
        return self.room_id

    def with_password(self, method, where, body):
        """The body, completed with what user-interactive authentication asks for."""
        first = self.account.ask(method, where, json=body)
        assert first.status_code == 401, f"no interactive authentication: {first.text}"
        identifier = {"type": "m.id.user", "user": self.account.user_id}
        stage = {"type": "m.login.password", "identifier": identifier, "password": PASSWORD}
        return {**body, "auth": {**stage, "session": first.json()["session"]}}

    def _register(self, name):
        return MatrixHttp.register(self.server.url, f"{name}-{self.number}", PASSWORD)


def done(answer):
    """The answer, which has to be a good one."""
    assert answer.status_code == 200, f"{answer.request.method} {answer.url}: {answer.text}"
    return answer


def now():
    """Milliseconds since 1970."""
    return int(time.time() * 1000)


def picture(side=64):
    """A PNG file: a square of one color."""
    rows = (b"\0" + b"\x2a\x6f\xdb" * side) * side
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

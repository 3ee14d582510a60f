"""The Matrix client-server API by hand, for tests that need to see status codes."""

from urllib.parse import quote

import requests

_TIMEOUT = 30


def path(*segments):
    """A client-server path with every segment escaped."""
    return "/_matrix/client/v3/" + "/".join(quote(segment, safe="") for segment in segments)


class MatrixHttp:
    """A session of one user, or of nobody if there is no token."""

    def __init__(self, url, token=None, user_id=None):
        self.url = url
        self.token = token
        self.user_id = user_id
        self._session = requests.Session()
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    @classmethod
    def register(cls, url, localpart, password="wonderland"):
        """A new account, registered without a session as open registration allows."""
        auth = {"type": "m.login.dummy"}
        body = {"username": localpart, "password": password, "auth": auth}
        answer = cls(url).post(path("register"), json=body)
        assert answer.status_code == 200, answer.text
        account = answer.json()
        return cls(url, account["access_token"], account["user_id"])

    def get(self, where, **options):
        """GET; see `requests.request` for the options."""
        return self.ask("GET", where, **options)

    def put(self, where, **options):
        """PUT; see `requests.request` for the options."""
        return self.ask("PUT", where, **options)

    def post(self, where, **options):
        """POST; see `requests.request` for the options."""
        return self.ask("POST", where, **options)

    def create_room(self, **options):
        """A new public room; returns its id."""
        answer = self.post(path("createRoom"), json={"preset": "public_chat", **options})
        assert answer.status_code == 200, answer.text
        return answer.json()["room_id"]

    def join(self, room, via):
        """Join a room over the server `via`."""
        answer = self.post(path("join", room), params={"server_name": via, "via": via}, json={})
        assert answer.status_code == 200, answer.text

    def knock(self, room, via):
        """Ask to be let into a room over the server `via`."""
        answer = self.post(path("knock", room), params={"server_name": via, "via": via}, json={})
        assert answer.status_code == 200, answer.text

    def leave(self, room_id):
        """Leave a room, or reject the invite to it."""
        answer = self.post(path("rooms", room_id, "leave"), json={})
        assert answer.status_code == 200, answer.text

    def act(self, room_id, action, person):
        """`invite`, `kick`, `ban` or `unban` somebody."""
        answer = self.post(path("rooms", room_id, action), json={"user_id": person.user_id})
        assert answer.status_code == 200, f"{action} {person.user_id}: {answer.text}"

    def set_state(self, room_id, event_type, content, state_key=""):
        """Set a piece of state; returns the event's id."""
        answer = self.put(path("rooms", room_id, "state", event_type, state_key), json=content)
        assert answer.status_code == 200, f"{event_type} {content}: {answer.text}"
        return answer.json()["event_id"]

    def state_content(self, room_id, event_type, state_key=""):
        """The content of a piece of state, or None if it is not set."""
        answer = self.get(path("rooms", room_id, "state", event_type, state_key))
        assert answer.status_code in (200, 404), answer.text
        return answer.json() if answer.status_code == 200 else None

    def membership(self, room_id, person):
        """What somebody is to a room, or None if he has never been there."""
        content = self.state_content(room_id, "m.room.member", person.user_id)
        return content and content["membership"]

    def redact(self, room_id, event_id, transaction):
        """Redact an event."""
        answer = self.put(path("rooms", room_id, "redact", event_id, transaction), json={})
        assert answer.status_code == 200, answer.text

    def sync(self, **query):
        """One answer of `/sync`."""
        answer = self.get(path("sync"), params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def send(self, room_id, text, transaction):
        """Send a text; returns the event's id."""
        where = path("rooms", room_id, "send", "m.room.message", transaction)
        answer = self.put(where, json={"msgtype": "m.text", "body": text})
        assert answer.status_code == 200, answer.text
        return answer.json()["event_id"]

    def event(self, room_id, event_id):
        """An event, or None if this user cannot see one of that id."""
        answer = self.get(path("rooms", room_id, "event", event_id))
        return answer.json() if answer.status_code == 200 else None

    def state(self, room_id):
        """The ids of the current state's events by type and state key."""
        answer = self.get(path("rooms", room_id, "state"))
        assert answer.status_code == 200, answer.text
        return {(event["type"], event["state_key"]): event["event_id"] for event in answer.json()}

    def all_messages(self, room_id):
        """Every event of the timeline that this user may see, newest first."""
        events, position = [], {}
        while True:
            query = {"dir": "b", "limit": 100, **position}
            answer = self.get(path("rooms", room_id, "messages"), params=query)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            events += page["chunk"]
            if not page["chunk"] or "end" not in page:
                return events
            position = {"from": page["end"]}

    def ask(self, method, where, **options):
        """A request with the session's token; see `requests.request` for the options."""
        return self._session.request(method, self.url + where, timeout=_TIMEOUT, **options)

"""The day itself: what Alice, Bob and Carol do, told once for every library.

Nothing here asserts what a server should answer. The day only takes care that it runs the same way
everywhere: an event that will be changed is first seen by everyone, and everything that a server
answers is written down. Comparing is up to `differences.py`.
"""

import json
import random
import time

from differences import timeless

_WORDS = (
    "anise basil caper dill endive fennel garlic hyssop ivy juniper kale leek mint nettle "
    "orache parsley quince rocket sage thyme"
).split()


def tell(cast, name):
    """Live through the day with one library; returns everything that was seen."""
    day = Day(cast, name)
    day.morning()
    day.forenoon()
    day.noon()
    day.afternoon()
    day.evening()
    return day.diary


class Diary:
    """What was seen, and what the ids stand for."""

    def __init__(self):
        self.answers = {}
        self.people = {}
        self.histories = {}
        self.labels = {}

    def label(self, identifier, label):
        """Remember what an id stands for; returns the id."""
        self.labels[identifier] = label
        return identifier


class Day:
    """One day of one library's people on one server."""

    def __init__(self, cast, name):
        self.diary = Diary()
        self._cast = cast
        self._name = name
        self._random = random.Random(f"the day of {name}")
        self._sent = {}
        self._last = {}
        self._speaker = {}

    # The parts of the day.

    def morning(self):
        """Accounts, a second device, profiles, rooms."""
        self.alice = self._arrives("alice")
        self.bob = self._arrives("bob")
        self.carol = self._arrives("carol")
        self.tablet = self._cast.person("alice on a tablet")
        session = self.tablet.log_in(localpart=self._local("alice"), device="tablet")
        self.diary.label(session["device_id"], "<device of the tablet>")
        self._note("devices", self.alice.raw, method="GET", path=["devices"])
        self._live = [self.alice, self.bob, self.carol]
        for person in self._live:
            person.start_syncing()
        self.alice.set_display_name(name="Alice")
        self.bob.set_display_name(name="Bob")
        self.carol.set_display_name(name="Caroline")
        self.alice.set_avatar(address="mxc://pictures.example.org/alice")
        self._rooms()
        self._invitations()

    def forenoon(self):
        """Everyone is there and everyone writes."""
        self._everyone_writes("garden", self._live, 180)
        self._everyone_writes("kitchen", self._live, 60)
        self._everyone_writes("direct", [self.alice, self.bob], 40)
        self._everyone_writes("cellar", [self.bob, self.carol], 20)
        self._edits()
        self._threads()
        self._reactions()
        self._redactions()
        self._mentions()
        self._kinds_of_messages()
        self._receipts()
        self._typing()
        self._private_data()
        self._searches()
        self._remember("before noon", self.alice)

    def noon(self):
        """Alice is offline, and the others go on."""
        self._everyone_has_seen_everything()
        self.alice.stop_syncing()
        others = [self.bob, self.carol]
        self._live = others
        self._everyone_writes("garden", others, 100)
        self._everyone_writes("kitchen", others, 30)
        self._everyone_writes("direct", [self.bob], 20)
        self._while_alice_is_away()

    def afternoon(self):
        """Alice is back with the token of the morning, and finds out what she has missed."""
        self.alice.start_syncing()
        self._live = [self.alice, self.bob, self.carol]
        self._everyone_has_seen_everything()
        self.alice.sees_invitation(room=self.shed)
        self.alice.sees_membership(room=self.porch, membership="leave")
        self._remember("back from lunch", self.alice)
        self._alice_catches_up()

    def evening(self):
        """The last messages, and what everyone ends with."""
        self._everyone_writes("garden", self._live, 30)
        self._everyone_writes("direct", [self.alice, self.bob], 10)
        self._everyone_writes("new cellar", [self.bob, self.carol], 10)
        self._good_night()
        self.tablet.start_syncing()
        for person in [*self._live, self.tablet]:
            self._remember("at night", person)
        self._last_questions()
        self._histories()

    # Morning.

    def _arrives(self, who):
        person = self._cast.person(who)
        session = person.register(localpart=self._local(who), device=f"{who}'s computer")
        person.user_id = self.diary.label(session["user_id"], f"@{who}")
        self.diary.label(session["device_id"], f"<device of {who}>")
        return person

    def _rooms(self):
        alice, bob, carol = self.alice, self.bob, self.carol
        self.garden = self._makes(
            alice,
            "garden",
            visibility="public",
            preset="public_chat",
            alias=self._local("garden"),
            name="Garden",
            topic="Herbs",
            room_version="11",
        )
        self.kitchen = self._makes(
            alice,
            "kitchen",
            preset="private_chat",
            name="Kitchen",
            topic="Pots",
            room_version="10",
            invite=[bob.user_id, carol.user_id],
        )
        self.direct = self._makes(
            alice,
            "direct",
            preset="trusted_private_chat",
            is_direct=True,
            invite=[bob.user_id],
            room_version="12",
        )
        direct = {bob.user_id: [self.direct]}
        alice.set_account_data(type="m.direct", content=direct)
        self.porch = self._makes(
            carol,
            "porch",
            preset="private_chat",
            name="Porch",
            room_version="11",
            invite=[alice.user_id, bob.user_id],
        )
        self.cellar = self._makes(
            bob,
            "cellar",
            preset="public_chat",
            name="Cellar",
            topic="Barrels",
            room_version="10",
        )

    def _invitations(self):
        alice, bob, carol = self.alice, self.bob, self.carol
        garden = f"#{self._local('garden')}:{self._cast.server_name}"
        self.diary.label(garden, "#garden")
        bob.join(room=garden)
        carol.join(room=garden)
        for person, room in ((bob, self.kitchen), (carol, self.kitchen), (bob, self.direct)):
            person.sees_invitation(room=room)
        bob.join(room=self.kitchen)
        bob.join(room=self.direct)
        carol.leave(room=self.kitchen)
        self._state(alice, "kitchen", "m.room.topic", {"topic": "Pots and pans"})
        alice.invite(room=self.kitchen, user=carol.user_id)
        carol.join(room=self.kitchen)
        for person in (alice, bob):
            person.sees_invitation(room=self.porch)
            person.join(room=self.porch)
        alice.join(room=self.cellar)
        carol.join(room=self.cellar)
        levels = alice.raw(
            method="GET", path=["rooms", self.garden, "state", "m.room.power_levels"]
        )
        levels["users"] = {**levels.get("users", {}), bob.user_id: 50}
        self._state(alice, "garden", "m.room.power_levels", levels)
        self._push_rules()
        self._vault()
        self._everyone_has_seen_everything()

    def _vault(self):
        """Who joins here sees nothing from before, but the state as it is."""
        visibility = {"history_visibility": "joined"}
        self.vault = self._makes(
            self.alice,
            "vault",
            preset="private_chat",
            name="Vault",
            room_version="11",
            initial_state=[
                {"type": "m.room.history_visibility", "state_key": "", "content": visibility}
            ],
        )
        self._state(self.alice, "vault", "m.room.name", {"name": "Bob's vault"})
        self._state(self.alice, "vault", "m.room.topic", {"topic": "Gold"})
        self._send(self.alice, "vault", {"body": "before Bob"})
        self.alice.invite(room=self.vault, user=self.bob.user_id)
        self._await_member(self.bob, self.vault, self.alice, membership="invite")
        self._send(self.alice, "vault", {"body": "while Bob is invited"})
        self.bob.sees_invitation(room=self.vault)
        self.bob.join(room=self.vault)
        self._await_member(self.bob, self.vault, self.alice, membership="join")
        self._send(self.alice, "vault", {"body": "after Bob"})

    def _push_rules(self):
        self._push_rule(self.bob, ["room", self.kitchen], {"actions": []})
        keyword = {"pattern": "nettle", "actions": ["notify", {"set_tweak": "highlight"}]}
        self._push_rule(self.alice, ["content", "nettles"], keyword)

    # Forenoon.

    def _edits(self):
        alice, bob = self.alice, self.bob
        first, second = self._message("garden", 0), self._message("garden", 3)
        self._edit(alice, "garden", first, "edited once")
        self._edit(alice, "garden", second, "edited")
        self._edit(alice, "garden", second, "edited twice")
        self._edit(bob, "garden", self._message("garden", 2), "not Bob's to edit")
        third = self._message("garden", 17)
        edit = self._edit(alice, "garden", third, "an edit that is taken back")
        self._everyone_has_seen_everything()
        self._redact(alice, "garden", edit, "no")

    def _threads(self):
        alice, bob, carol = self.alice, self.bob, self.carol
        root = self._message("garden", 10)
        last = root
        for number, person in enumerate((alice, carol, alice, bob)):
            last = self._reply(person, "garden", root, last, f"in the thread, {number}")
        other = self._message("kitchen", 5)
        reply = self._reply(carol, "kitchen", other, other, "the only reply")
        self._everyone_has_seen_everything()
        self._redact(carol, "kitchen", reply, "never mind")
        relation = {"m.in_reply_to": {"event_id": self._message("kitchen", 7)}}
        self._send(alice, "kitchen", {"body": "a plain reply", "m.relates_to": relation})
        edited = self._reply(bob, "garden", root, last, "a reply with a mistake")
        self._edit(bob, "garden", edited, "a reply without a mistake")

    def _reactions(self):
        alice, bob, carol = self.alice, self.bob, self.carol
        message = self._message("garden", 12)
        self._react(alice, "garden", message, "🌱")
        self._react(bob, "garden", message, "🌱")
        taken_back = self._react(carol, "garden", message, "🌱")
        self._react(carol, "garden", message, "🐌")
        self._note("reacting twice", lambda: self._react(bob, "garden", message, "🌱"))
        self._everyone_has_seen_everything()
        self._redact(carol, "garden", taken_back, "")

    def _redactions(self):
        alice, bob = self.alice, self.bob
        self._redact(bob, "garden", self._message("garden", 6), "a typo")
        self._note(
            "redacting what is not one's own",
            bob.redact,
            room=self.kitchen,
            event=self._message("kitchen", 0),
            reason="",
        )
        self._redact(alice, "kitchen", self._message("kitchen", 6), "by the owner")
        slip = self._state(alice, "kitchen", "org.example.menu", {"soup": "a slip"}, "today")
        self._state(alice, "kitchen", "org.example.menu", {"soup": "leek"}, "today")
        self._redact(alice, "kitchen", slip, "replaced state")
        wish = self._state(alice, "kitchen", "org.example.menu", {"soup": "a wish"}, "tomorrow")
        self._redact(alice, "kitchen", wish, "current state")

    def _mentions(self):
        alice, bob, carol = self.alice, self.bob, self.carol
        self._send(
            carol, "garden", {"body": "Bob, look", "m.mentions": {"user_ids": [bob.user_id]}}
        )
        self._send(carol, "garden", {"body": "@room hear me", "m.mentions": {"room": True}})
        self._send(alice, "garden", {"body": "@room hear me", "m.mentions": {"room": True}})
        self._send(alice, "kitchen", {"body": "hello Bob, without a mention"})
        self._send(alice, "direct", {"body": "you there?", "m.mentions": {}})

    def _kinds_of_messages(self):
        carol = self.carol
        self._send(carol, "garden", {"msgtype": "m.notice", "body": "a notice"})
        self._send(carol, "garden", {"msgtype": "m.emote", "body": "waves"})
        self._send(
            carol,
            "garden",
            {
                "body": "a **bold** claim",
                "format": "org.matrix.custom.html",
                "formatted_body": "a <b>bold</b> claim",
            },
        )
        place = {"msgtype": "m.location", "body": "here", "geo_uri": "geo:1,2"}
        self._send(carol, "garden", place)
        dice = {"eyes": 6, "deep": {"list": [1, None, {}]}}
        self._send(carol, "garden", dice, "org.example.dice")
        self._send(carol, "garden", {"body": "x" * 20_000})
        self._note(
            "an event that is too large",
            lambda: self._send(carol, "garden", {"body": "x" * 70_000}),
        )
        self._note(
            "an event with a float",
            lambda: self._send(carol, "garden", {"body": "half", "weight": 0.5}),
        )
        self._state(self.alice, "garden", "org.example.weather", {"sky": "blue"}, "north")
        self._state(self.alice, "garden", "org.example.weather", {"sky": "grey"}, "north")
        self._note(
            "state that one may not set",
            carol.set_state,
            room=self.garden,
            type="m.room.topic",
            content={"topic": "weeds"},
        )

    def _receipts(self):
        alice, bob, carol = self.alice, self.bob, self.carol
        self._everyone_has_seen_everything()
        bob.send_receipt(room=self.garden, event=self._message("garden", 100))
        bob.send_receipt(room=self.garden, event=self._message("garden", 90))
        carol.send_receipt(
            room=self.garden, event=self._message("garden", 120), type="m.read.private"
        )
        alice.send_receipt(room=self.garden, event=self._message("garden", 150), thread="main")
        alice.set_read_markers(
            room=self.kitchen,
            fully_read=self._message("kitchen", 40),
            read=self._message("kitchen", 50),
        )
        bob.set_read_markers(
            room=self.direct,
            fully_read=self._message("direct", 39),
            read=self._message("direct", 39),
        )
        thread = self._message("garden", 10)
        bob.send_receipt(room=self.garden, event=self._sent["in the thread, 2"], thread=thread)

    def _typing(self):
        self.carol.set_typing(room=self.kitchen, typing=True)
        for person in (self.alice, self.bob):
            person.sees_typing(room=self.kitchen, user=self.carol.user_id)
        self.carol.set_typing(room=self.kitchen, typing=False)

    def _private_data(self):
        alice, bob, carol = self.alice, self.bob, self.carol
        self._takes_name(carol, "Carol")
        self._takes_name(carol, "Carol the Cook")
        alice.set_account_data(type="org.example.theme", content={"theme": "dark"})
        alice.set_account_data(type="org.example.theme", content={"theme": "light"})
        alice.set_account_data(type="org.example.notes", content={"n": 3}, room=self.garden)
        alice.set_tag(room=self.garden, tag="m.favourite", order=0.25)
        alice.set_tag(room=self.kitchen, tag="m.lowpriority")
        alice.set_tag(room=self.kitchen, tag="u.cooking", order=0.5)
        alice.remove_tag(room=self.kitchen, tag="m.lowpriority")

    def _searches(self):
        alice, bob, carol = self.alice, self.bob, self.carol
        term = {"search_term": "garlic", "order_by": "recent"}
        self._note("a search", bob.search, room_events=term)
        room = {**term, "filter": {"rooms": [self.kitchen], "limit": 5}}
        context = {"before_limit": 1, "after_limit": 2, "include_profile": True}
        room["event_context"] = context
        self._note("a search in a room", alice.search, room_events=room)
        grouped = {**term, "groupings": {"group_by": [{"key": "room_id"}, {"key": "sender"}]}}
        self._note("a search in groups", alice.search, room_events=grouped)
        names = {"search_term": "cellar", "keys": ["content.name"], "order_by": "recent"}
        self._note("a search for names", carol.search, room_events=names)
        nothing = {"search_term": "asparagus", "order_by": "recent"}
        self._note("a search in vain", carol.search, room_events=nothing)
        edited = {"search_term": "edited twice", "order_by": "recent"}
        self._note("a search for two words", carol.search, room_events=edited)

    # Noon.

    def _while_alice_is_away(self):
        bob, carol = self.bob, self.carol
        self._state(bob, "garden", "m.room.topic", {"topic": "Herbs and weeds"})
        self._state(bob, "garden", "m.room.name", {"name": "Bob's garden"})
        self._takes_name(bob, "Robert")
        mention = {"user_ids": [self.alice.user_id]}
        self._send(carol, "garden", {"body": "Alice, come back", "m.mentions": mention})
        self._send(carol, "kitchen", {"body": "who ate the nettle soup?"})
        self._edit(bob, "garden", self._message("garden", 7), "edited at noon")
        self._react(bob, "garden", self._message("garden", 0), "🍽")
        self._redact(bob, "garden", self._message("garden", 8), "at noon")
        root = self._message("garden", 10)
        self._reply(carol, "garden", root, self._sent["in the thread, 3"], "in the thread, at noon")
        other = self._message("garden", 15)
        self._reply(bob, "garden", other, other, "a thread under Alice's message")
        bob.send_receipt(room=self.garden, event=self._message("garden", 200))
        carol.send_receipt(room=self.kitchen, event=self._message("kitchen", 70))
        carol.kick(room=self.porch, user=self.alice.user_id, reason="it rains")
        self._await_member(self.alice, self.porch, carol, membership="leave")
        self._send(carol, "porch", {"body": "after Alice was kicked"})
        self.shed = self._makes(
            carol,
            "shed",
            preset="private_chat",
            name="Shed",
            topic="Tools",
            room_version="11",
            invite=[self.alice.user_id],
        )
        carol.leave(room=self.kitchen)
        self._await_member(carol, self.kitchen, bob, membership="leave")
        self._send(bob, "kitchen", {"body": "after Carol left"})
        new_cellar = bob.upgrade_room(room=self.cellar, version="11")
        self.new_cellar = self.diary.label(new_cellar, "!new cellar")
        bob.sees_membership(room=self.new_cellar, membership="join")
        carol.join(room=self.new_cellar)
        carol.sees_membership(room=self.new_cellar, membership="join")
        self._await_member(carol, self.new_cellar, bob, membership="join")
        self._send(bob, "new cellar", {"body": "the last message before Alice is back"})

    # Afternoon.

    def _alice_catches_up(self):
        alice, carol = self.alice, self.carol
        self._note(
            "sending after being kicked",
            alice.send,
            room=self.porch,
            type="m.room.message",
            content={"msgtype": "m.text", "body": "let me in"},
        )
        self._note("history after being kicked", alice.history, room=self.porch)
        self._note("joining after being kicked", alice.join, room=self.porch)
        alice.forget(room=self.porch)
        self._note("history after forgetting", alice.history, room=self.porch)
        self._note("forgetting a room that one is in", alice.forget, room=self.garden)
        alice.leave(room=self.shed)
        alice.sees_membership(room=self.shed, membership="leave")
        alice.forget(room=self.shed)
        alice.join(room=self.new_cellar)
        self._note("history of the left kitchen", carol.history, room=self.kitchen)
        alice.set_read_markers(
            room=self.garden,
            fully_read=self._message("garden", 279),
            read=self._message("garden", 270),
        )
        alice.send_receipt(room=self.kitchen, event=self._message("kitchen", 89))
        alice.send_receipt(room=self.direct, event=self._message("direct", 59))
        self._react(alice, "garden", self._message("garden", 250), "🥕")

    # Evening.

    def _good_night(self):
        for room, person in (
            ("kitchen", self.bob),
            ("direct", self.bob),
            ("porch", self.carol),
            ("cellar", self.bob),
            ("new cellar", self.carol),
            ("garden", self.carol),
        ):
            self._send(person, room, {"body": "good night"})
        self._everyone_has_seen_everything()

    def _last_questions(self):
        alice, bob, carol = self.alice, self.bob, self.carol

        def ask(what, person, *path, version="v3", **query):
            query = {key: str(value) for key, value in query.items()}
            self._note(
                what, person.raw, method="GET", path=list(path), query=query, version=version
            )

        def relate(what, *path, **query):
            ask(what, alice, "rooms", self.garden, *path, version="v1", **query)

        root, edited, liked = (self._message("garden", number) for number in (10, 3, 12))
        relate("relations of a root", "relations", root, limit=20)
        relate("the thread", "relations", root, "m.thread", dir="f", limit=3)
        relate("edits", "relations", edited, "m.replace")
        relate("reactions", "relations", liked, "m.annotation", "m.reaction", limit=2)
        relate("threads", "threads")
        relate("one's threads", "threads", include="participated")
        for what, number in (("edited", 3), ("redacted", 6), ("root", 10), ("liked", 12)):
            event = self._message("garden", number)
            path = ("rooms", self.garden, "event", event)
            ask(f"the {what} event", carol, *path)
        context = ("rooms", self.garden, "context", self._message("garden", 100))
        ask("context", bob, *context, limit=6)
        ask("members", bob, "rooms", self.kitchen, "members")
        ask("joined members", bob, "rooms", self.kitchen, "joined_members")
        ask("state", bob, "rooms", self.garden, "state")
        ask("state of the room left", carol, "rooms", self.kitchen, "state")
        ask("joined rooms", carol, "joined_rooms")
        ask("profile", bob, "profile", carol.user_id)
        ask("push rules", bob, "pushrules/")
        ask("tags", alice, "user", alice.user_id, "rooms", self.kitchen, "tags")
        ask("alias", carol, "rooms", self.garden, "aliases")
        members = ("rooms", self.shed, "members")
        ask("alone", carol, *members, not_membership="leave")
        ask("somebody else's data", bob, "user", alice.user_id, "account_data", "x")
        ask("nothing", bob, "user", bob.user_id, "account_data", "x")
        ask("notifications", bob, "notifications", limit=10)
        ask("highlights", bob, "notifications", only="highlight")
        ask("who am I", bob, "account", "whoami")
        term = {"filter": {"generic_search_term": self._local("garden")}}
        self._note("public rooms", carol.raw, method="POST", path=["publicRooms"], body=term)
        user = {"search_term": self._local("carol")}
        self._note(
            "user directory",
            alice.raw,
            method="POST",
            path=["user_directory", "search"],
            body=user,
        )
        self._bot()
        only = {"types": ["m.room.topic"], "not_senders": [alice.user_id]}
        self._note("filtered history", carol.history, room=self.garden, filter=only)

    def _bot(self):
        """What a bot begins with that wants messages only, in one room."""
        nothing = {"types": []}
        messages = {"types": ["m.room.message"], "limit": 3}
        room = {"timeline": messages, "ephemeral": nothing, "account_data": nothing}
        room["rooms"] = [self.kitchen]
        wanted = {"room": room, "account_data": nothing, "presence": nothing}
        query = {"filter": json.dumps(wanted), "timeout": "0"}
        answer = self.bob.raw(method="GET", path=["sync"], query=query)
        seen = answer["rooms"]["join"][self.kitchen]
        self.diary.answers["a bot's first sync"] = {
            "state": seen["state"]["events"],
            "timeline": seen["timeline"]["events"],
        }

    def _histories(self):
        rooms = {
            "garden": [self.alice, self.carol, self.tablet],
            "kitchen": [self.bob, self.tablet],
            "direct": [self.bob, self.alice],
            "porch": [self.bob],
            "vault": [self.alice, self.bob],
            "cellar": [self.tablet],
            "new cellar": [self.alice],
        }
        for room, people in rooms.items():
            for person in people:
                history = person.history(room=self._id(room))
                self.diary.histories[f"{room} by {person}"] = history

    # Small things that happen all the time.

    def _local(self, who):
        return f"{who}-{self._name}"

    def _id(self, room):
        return getattr(self, room.replace(" ", "_"))

    def _makes(self, person, room, **options):
        return self.diary.label(person.create_room(**options), f"!{room}")

    def _everyone_writes(self, room, people, count):
        """Five messages each in turn."""
        sent = self._sent.setdefault(room, [])
        for turn in range(count):
            words = " ".join(self._random.sample(_WORDS, 4))
            person = people[turn // 5 % len(people)]
            sent.append(self._send(person, room, {"body": f"{words} {len(sent)}"}))

    def _message(self, room, number):
        return self._sent[room][number]

    def _send(self, person, room, content, type="m.room.message"):
        if type == "m.room.message":
            content = {"msgtype": "m.text", **content}
        self._listens(person, self._id(room))
        event = person.send(room=self._id(room), type=type, content=content)
        self._happened(self._id(room), event, person)
        number = sum(label.startswith(f"<{room} {person} ") for label in self.diary.labels.values())
        words = str(content.get("body", type))[:30]
        return self.diary.label(event, f"<{room} {person} {number}: {words}>")

    def _happened(self, room, event, speaker=None):
        """Remember what everybody is to see before the day goes on."""
        self._last[room] = event
        self._speaker[room] = speaker

    def _listens(self, person, room):
        """Wait for what was said before: some clients show their own message where they send it."""
        if room in self._last and self._speaker[room] is not person:
            person.sees(room=room, event=self._last[room])

    def _state(self, person, room, type, content, key=""):
        event = person.set_state(room=self._id(room), type=type, content=content, key=key)
        self._happened(self._id(room), event)
        number = len(self.diary.labels)
        return self.diary.label(event, f"<{room} {person}: {type} {key} ({number})>")

    def _edit(self, person, room, event, text):
        content = {
            "body": f"* {text}",
            "m.new_content": {"msgtype": "m.text", "body": text},
            "m.relates_to": {"rel_type": "m.replace", "event_id": event},
        }
        return self._send(person, room, content)

    def _reply(self, person, room, root, last, text):
        relation = {
            "rel_type": "m.thread",
            "event_id": root,
            "is_falling_back": True,
            "m.in_reply_to": {"event_id": last},
        }
        self._sent[text] = self._send(person, room, {"body": text, "m.relates_to": relation})
        return self._sent[text]

    def _react(self, person, room, event, key):
        relation = {"rel_type": "m.annotation", "event_id": event, "key": key}
        return self._send(person, room, {"m.relates_to": relation}, "m.reaction")

    def _redact(self, person, room, event, reason):
        self._everyone_has_seen_everything()
        redaction = person.redact(room=self._id(room), event=event, reason=reason)
        self._happened(self._id(room), redaction)
        self.diary.label(redaction, f"<redaction of {self.diary.labels[event]}>")

    def _takes_name(self, person, name):
        """Change a name, and wait until every room knows it."""
        person.set_display_name(name=name)
        for room in self._rooms_of(person):
            self._await_member(person, room, person, displayname=name)

    def _rooms_of(self, person):
        return person.raw(method="GET", path=["joined_rooms"])["joined_rooms"]

    def _await_member(self, person, room, witness, **content):
        """Wait until the room's state says this of a person."""
        while not (event := self._member_event(person, room, witness, content)):
            time.sleep(0.1)
        self._happened(room, event)

    def _member_event(self, person, room, witness, content):
        for event in witness.raw(method="GET", path=["rooms", room, "state"]):
            if event.get("state_key") == person.user_id:
                if content.items() <= event["content"].items():
                    return event["event_id"]
        return None

    def _push_rule(self, person, name, rule):
        path = ["pushrules", "global", *name]
        person.raw(method="PUT", path=path, body=rule)

    def _everyone_has_seen_everything(self):
        """Wait until everyone who is online has seen the last event of each of their rooms."""
        for person in self._live:
            joined = self._rooms_of(person)
            for room, event in self._last.items():
                if room in joined:
                    person.sees(room=room, event=event)

    def _note(self, what, do, **arguments):
        """Write down what is answered, be it a refusal."""
        try:
            answer = do(**arguments)
        except self._cast.Refused as refused:
            answer = {"refused": refused.how}
        self.diary.answers[what] = answer

    def _remember(self, when, person, patience=15):
        """Write down what a client knows, once it has stopped to change."""
        end = time.monotonic() + patience
        known = person.remembers()
        while time.monotonic() < end:
            time.sleep(0.7)
            before, known = known, person.remembers()
            if timeless(before) == timeless(known):
                break
        self.diary.people[f"{person} {when}"] = known

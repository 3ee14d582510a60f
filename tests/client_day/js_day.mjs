// People with matrix-js-sdk, which keeps everything: rooms, timelines, threads, receipts, counts.
//
// Speaks the lines that wire.py describes. Run as `node js_day.mjs FOLDER URL`, where the folder is
// the one that holds `node_modules`.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [folder, url] = process.argv.slice(2);
const installed = createRequire(`${folder}/package.json`);
const load = (name) => import(pathToFileURL(installed.resolve(name)));
const sdk = await load("matrix-js-sdk");
const { logger } = await load("matrix-js-sdk/lib/logger.js");
logger.setLevel("error");
console.log = console.info = console.debug = console.warn = console.error;

const PASSWORD = "wonderland";
const PREFIX = { v3: "/_matrix/client/v3", v1: "/_matrix/client/v1" };

class Refused extends Error {
    constructor(error) {
        super(String(error));
        this.how = { status: error.httpStatus, errcode: error.errcode };
    }
}

/** A store that lets a client go on where it has stopped, as the browser's does. */
class Store extends sdk.MemoryStore {
    async getSavedSyncToken() {
        return this.getSyncToken();
    }
}

/** One session of a user. */
class Person {
    constructor() {
        this.client = sdk.createClient({ baseUrl: url });
        this.typed = new Set();
        this.seen = new Set();
    }

    // Sessions.

    async register({ localpart, device }) {
        return this.holds(
            await this.client.registerRequest({
                username: localpart,
                password: PASSWORD,
                initial_device_display_name: device,
                auth: { type: "m.login.dummy" },
            }),
        );
    }

    async log_in({ localpart, device }) {
        return this.holds(
            await this.client.loginRequest({
                type: "m.login.password",
                identifier: { type: "m.id.user", user: localpart },
                password: PASSWORD,
                initial_device_display_name: device,
            }),
        );
    }

    holds(session) {
        this.client = sdk.createClient({
            baseUrl: url,
            userId: session.user_id,
            deviceId: session.device_id,
            accessToken: session.access_token,
            timelineSupport: true,
            store: new Store(),
        });
        this.client.on("event", (event) => this.seen.add(event.getId()));
        this.client.on("RoomMember.typing", (_, member) => {
            if (member.typing) this.typed.add(`${member.roomId} ${member.userId}`);
        });
        return { user_id: session.user_id, device_id: session.device_id };
    }

    /** Sync from where the last sync ended; returns after the first answer. */
    async start_syncing() {
        const first = new Promise((resolve) => {
            const heard = (state) => {
                if (state !== "PREPARED" && state !== "SYNCING") return;
                this.client.off("sync", heard);
                resolve();
            };
            this.client.on("sync", heard);
        });
        await this.client.startClient({
            initialSyncLimit: 20,
            lazyLoadMembers: true,
            threadSupport: true,
        });
        await first;
    }

    async stop_syncing() {
        this.client.stopClient();
    }

    // What the person does.

    async create_room({ alias, ...options }) {
        const made = await this.client.createRoom({ ...options, room_alias_name: alias });
        return made.room_id;
    }

    async join({ room }) {
        return (await this.client.joinRoom(room)).roomId;
    }

    async invite({ room, user }) {
        await this.client.invite(room, user);
    }

    async kick({ room, user, reason }) {
        await this.client.kick(room, user, reason);
    }

    async ban({ room, user, reason }) {
        await this.client.ban(room, user, reason);
    }

    async leave({ room }) {
        await this.client.leave(room);
    }

    async forget({ room }) {
        await this.client.forget(room);
    }

    async send({ room, type, content }) {
        return (await this.client.sendEvent(room, type, content)).event_id;
    }

    async set_state({ room, type, content, key = "" }) {
        return (await this.client.sendStateEvent(room, type, content, key)).event_id;
    }

    async redact({ room, event, reason }) {
        return (await this.client.redactEvent(room, event, undefined, { reason })).event_id;
    }

    /** The library works out the thread from the event; a named one goes by the plain request. */
    async send_receipt({ room, event, type = "m.read", thread }) {
        const path = ["rooms", room, "receipt", type, event];
        await this.raw({ method: "POST", path, body: thread ? { thread_id: thread } : {} });
    }

    async set_read_markers({ room, fully_read, read }) {
        await this.client.setRoomReadMarkersHttpRequest(room, fully_read, read);
    }

    async set_typing({ room, typing }) {
        await this.client.sendTyping(room, typing, 30_000);
    }

    async set_display_name({ name }) {
        await this.client.setDisplayName(name);
    }

    async set_avatar({ address }) {
        await this.client.setAvatarUrl(address);
    }

    async set_account_data({ type, content, room }) {
        if (room) await this.client.setRoomAccountData(room, type, content);
        else await this.client.setAccountDataRaw(type, content);
    }

    async set_tag({ room, tag, order }) {
        await this.client.setRoomTag(room, tag, order === undefined ? {} : { order });
    }

    async remove_tag({ room, tag }) {
        await this.client.deleteRoomTag(room, tag);
    }

    async search({ room_events }) {
        return await this.client.search({ body: { search_categories: { room_events } } });
    }

    async upgrade_room({ room, version }) {
        return (await this.client.upgradeRoom(room, version)).replacement_room;
    }

    async raw({ method, path, query, body, version = "v3" }) {
        const where = "/" + path.map(encodeURIComponent).join("/");
        if (method !== "GET" && method !== "DELETE") body ??= {};
        const options = { prefix: PREFIX[version] };
        return await this.client.http.authedRequest(method, where, query, body, options);
    }

    // What the person waits for.

    async sees({ room, event }) {
        await until(() => this.seen.has(event), `${event} in ${room}`);
    }

    async sees_invitation({ room }) {
        await this.sees_membership({ room, membership: "invite" });
    }

    async sees_membership({ room, membership }) {
        const has = () => this.client.getRoom(room)?.getMyMembership() === membership;
        await until(has, `${membership} of ${room}`);
    }

    async sees_typing({ room, user }) {
        await until(() => this.typed.has(`${room} ${user}`), `${user} types`);
    }

    // What the person ends with.

    async remembers() {
        const rooms = {}, left = [], invitations = {};
        for (const room of this.client.getRooms()) {
            const membership = room.getMyMembership();
            if (membership === "join") rooms[room.roomId] = await this.room(room);
            if (membership === "leave") left.push(room.roomId);
            if (membership === "invite") invitations[room.roomId] = state(room);
        }
        const accountData = contents(this.client.store.accountData);
        return {
            rooms,
            left: left.sort(),
            invitations,
            account_data: accountData,
        };
    }

    async room(room) {
        await room.loadMembersIfNeeded();
        const me = this.client.getUserId();
        const events = await this.everything(room);
        const threads = room.getThreads().map(thread);
        return {
            name: room.name,
            alias: room.getCanonicalAlias(),
            version: room.getVersion(),
            direct: room.getDMInviter() ?? null,
            joined: room.getJoinedMemberCount(),
            invited: room.getInvitedMemberCount(),
            members: byUser(room, member),
            state: state(room),
            unread: room.getUnreadNotificationCount("total"),
            highlights: room.getUnreadNotificationCount("highlight"),
            unread_in_room: room.getRoomUnreadNotificationCount("total"),
            unread_in_threads: Object.fromEntries(
                threads.map(({ id }) => [id, room.getThreadUnreadNotificationCount(id, "total")]),
            ),
            tags: room.tags,
            account_data: contents(room.accountData),
            receipts: byUser(room, ({ userId }) => room.getEventReadUpTo(userId, true)),
            read: room.getEventReadUpTo(me),
            typing: room.getMembers().filter((each) => each.typing).map((each) => each.userId),
            threads: Object.fromEntries(threads.map((each) => [each.id, each])),
            timeline: events.map(eventOf),
            reactions: reactions(room, events),
        };
    }

    /** What is known of the room, filled back to where the client paginates no further. */
    async everything(room) {
        while (room.getLiveTimeline().getPaginationToken("b") !== null) {
            await this.client.scrollback(room, 50);
        }
        const sent = (event) => !event.getId().startsWith("~");
        return room.getLiveTimeline().getEvents().filter(sent);
    }

    async history({ room, filter }) {
        const events = [];
        let position = null;
        const wanted = filter && new sdk.Filter(this.client.getUserId());
        if (filter) wanted.setDefinition({ room: { timeline: filter } });
        for (;;) {
            const page = await this.client.createMessagesRequest(room, position, 100, "b", wanted);
            events.push(...page.chunk);
            if (!page.end) return events;
            position = page.end;
        }
    }
}

function byUser(room, told) {
    return Object.fromEntries(room.getMembers().map((each) => [each.userId, told(each)]));
}

function contents(events) {
    const told = [...events.values()].map((each) => [each.getType(), each.getContent()]);
    return Object.fromEntries(told);
}

function member(each) {
    return {
        name: each.name,
        display_name: each.rawDisplayName,
        membership: each.membership,
        power: each.powerLevel,
        avatar: each.getMxcAvatarUrl() ?? null,
    };
}

function state(room) {
    const events = [...room.currentState.events.values()].flatMap((each) => [...each.values()]);
    return Object.fromEntries(
        events.map((each) => [`${each.getType()} ${each.getStateKey()}`, each.getContent()]),
    );
}

/** An event as the server sent it, and what the library makes of it. */
function eventOf(each) {
    const { unsigned: { "m.relations": _, ...unsigned } = {}, ...event } = each.event;
    return {
        ...event,
        unsigned,
        shown: each.getContent(),
        redacted: each.isRedacted(),
        replaced_by: each.replacingEventId() ?? null,
        thread: each.threadRootId ?? null,
    };
}

function thread(each) {
    return {
        id: each.id,
        length: each.length,
        last: each.replyToEvent?.getId() ?? null,
        mine: each.hasCurrentUserParticipated,
        // In whatever order the library came to know them.
        thread_events: [...new Set(each.timeline.map((event) => event.getId()))],
    };
}

function reactions(room, events) {
    const found = {};
    for (const each of events) {
        const id = each.getId();
        const relations = room.relations.getChildEventsForEvent(id, "m.annotation", "m.reaction");
        const byKey = relations?.getSortedAnnotationsByKey() ?? [];
        if (byKey.length) {
            found[id] = Object.fromEntries(byKey.map(([key, set]) => [key, set.size]));
        }
    }
    return found;
}

async function until(look, what, deadline = 30_000) {
    const end = Date.now() + deadline;
    for (;;) {
        const seen = look();
        if (seen) return seen;
        if (Date.now() > end) throw new Error(`${what}: not within ${deadline} ms`);
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
}

async function answer(person, { verb, arguments: given }) {
    try {
        return { answer: (await person[verb](given)) ?? null };
    } catch (error) {
        if (error.httpStatus) return { refused: new Refused(error).how };
        return { broken: error.stack ?? String(error) };
    }
}

const people = new Map();
for await (const line of createInterface({ input: process.stdin })) {
    const question = JSON.parse(line);
    if (!people.has(question.who)) people.set(question.who, new Person());
    const answered = await answer(people.get(question.who), question);
    process.stdout.write(JSON.stringify(answered) + "\n");
}
process.exit(0);

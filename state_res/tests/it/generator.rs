//! Random rooms with forks: members who come and go, bans, changes of levels and rules, events that
//! nobody should have accepted, and states that lost keys.

use gantry_model::{Object, RoomVersion};
use gantry_state_res::{EventSource, Rn, StateMap};

use crate::room::{Chance, Draft, Room, object};

const USERS: [&str; 6] = ["@a:one", "@b:one", "@c:two", "@d:two", "@e:one", "@f:two"];

/// A room and the states to resolve.
pub(crate) struct Case {
    pub(crate) room: Room,
    pub(crate) states: Vec<StateMap>,
}

/// The case of a seed.
pub(crate) fn case(version: RoomVersion, seed: u64) -> Case {
    let mut chance = Chance::new(seed);
    let mut room = Room::new(version);
    let mut states = vec![found(&mut room, &mut chance)];
    let steps = 4 + chance.below(26);
    for step in 0..steps {
        let branch = chance.below(states.len());
        if states.len() < 5 && chance.percent(15) {
            states.push(states[branch].clone());
        } else if states.len() > 2 && chance.percent(5) {
            let merged = room.resolve(&states);
            states[branch] = merged;
        }
        grow(&mut room, &mut states[branch], &mut chance, step);
    }
    if states.len() == 1 {
        states.push(states[0].clone());
        grow(&mut room, &mut states[0], &mut chance, steps);
        grow(&mut room, &mut states[1], &mut chance, steps);
    }
    for state in &mut states {
        forget(&room, state, &mut chance);
    }
    Case { room, states }
}

fn found(room: &mut Room, chance: &mut Chance) -> StateMap {
    let mut state = StateMap::new();
    let creator = USERS[0];
    let rules = room.rules();
    let create = match (rules.creator_is_sender, rules.privileged_creators) {
        (false, _) => format!(
            r#"{{"creator":"{creator}","room_version":"{}"}}"#,
            room.version
        ),
        (true, true) if chance.percent(30) => {
            format!(
                r#"{{"room_version":"12","additional_creators":["{}"]}}"#,
                USERS[1]
            )
        }
        (true, _) => format!(r#"{{"room_version":"{}"}}"#, room.version),
    };
    room.send(&mut state, (creator, "m.room.create", ""), &create, 0);
    room.member(&mut state, creator, creator, "join", 1);
    if chance.percent(90) {
        let levels = levels(room, chance, creator);
        let key = (creator, "m.room.power_levels", "");
        room.send(&mut state, key, &levels, 2);
    }
    let rule = if chance.percent(80) {
        "public"
    } else {
        "invite"
    };
    let rule = format!(r#"{{"join_rule":"{rule}"}}"#);
    room.send(&mut state, (creator, "m.room.join_rules", ""), &rule, 3);
    for user in &USERS[1..2 + chance.below(4)] {
        room.member(&mut state, user, user, "join", 4);
    }
    state
}

/// Power levels, mostly such as their sender may set.
fn levels(room: &Room, chance: &mut Chance, sender: &str) -> String {
    let mut users = Vec::new();
    for (index, user) in USERS.iter().enumerate() {
        if room.rules().privileged_creators && index == 0 {
            continue;
        }
        let level = match (index, chance.below(10)) {
            (0, _) | (_, 4) => Some(100),
            (_, 0..4) => Some(50),
            (_, 5) => Some(25),
            _ => None,
        };
        if let Some(level) = level {
            let quoted = !room.rules().integer_power_levels && chance.percent(10);
            let level = if quoted {
                format!("\"{level}\"")
            } else {
                level.to_string()
            };
            users.push(format!(r#""{user}":{level}"#));
        }
    }
    if chance.percent(5) {
        users.push(format!(r#""{sender}x":1"#));
    }
    let mut fields = vec![format!(r#""users":{{{}}}"#, users.join(","))];
    for field in [
        "ban",
        "kick",
        "invite",
        "state_default",
        "users_default",
        "events_default",
    ] {
        if chance.percent(15) {
            fields.push(format!(r#""{field}":{}"#, chance.pick(&[0, 25, 50, 75])));
        }
    }
    if chance.percent(20) {
        fields.push(format!(
            r#""events":{{"m.room.topic":{}}}"#,
            chance.pick(&[0, 50, 100])
        ));
    }
    if chance.percent(20) {
        fields.push(format!(
            r#""notifications":{{"room":{}}}"#,
            chance.pick(&[0, 50, 100])
        ));
    }
    format!("{{{}}}", fields.join(","))
}

/// One more event on a branch.
fn grow(room: &mut Room, state: &mut StateMap, chance: &mut Chance, step: usize) {
    let among = if chance.percent(60) { 3 } else { 6 };
    let sender = *chance.pick(&USERS[..among]);
    let (kind, state_key, content) = action(room, chance, sender);
    let mut auth = room.select(state, kind, sender, &state_key, &content);
    if kind == "m.room.member" && room.get(state, "m.room.join_rules", "").is_none() {
        // Without join rules ruma lets nobody in, and we do as Synapse.
        return;
    }
    if chance.percent(8) {
        disturb(room, &mut auth, chance);
    }
    let prev: Vec<Rn> = state.values().copied().max().into_iter().collect();
    let draft = Draft {
        sender,
        kind,
        state_key: &state_key,
        content,
        // Few timestamps, so that ids have to break ties.
        ts: 10 + (step / 6) as i64 + chance.below(3) as i64,
        depth: 10 + chance.below(8) as i64 + step as i64 / 4,
        prev,
        auth,
    };
    if chance.percent(3) && kind != "m.room.join_rules" {
        let rn = room.push_rejected(&draft);
        if chance.percent(30) {
            state.insert(room.event(rn).skid, rn);
        }
        return;
    }
    let rn = room.push(&draft);
    if room.allowed(rn, state) || chance.percent(12) {
        state.insert(room.event(rn).skid, rn);
    }
}

fn action(room: &Room, chance: &mut Chance, sender: &str) -> (&'static str, String, Object) {
    let other = (*chance.pick(&USERS)).to_owned();
    match chance.below(20) {
        0..5 => member(chance, sender.to_owned(), "join", room),
        5..7 => member(chance, sender.to_owned(), "leave", room),
        7..9 => member(chance, other, "leave", room),
        9..11 => member(chance, other, "ban", room),
        11 => member(chance, other, "invite", room),
        12 if room.rules().knocking => member(chance, sender.to_owned(), "knock", room),
        12..15 => {
            let content = levels(room, chance, sender);
            ("m.room.power_levels", String::new(), object(&content))
        }
        15..17 => ("m.room.join_rules", String::new(), join_rules(room, chance)),
        17 if room.rules().aliases_auth_rule => {
            let server = *chance.pick(&["one", "two"]);
            ("m.room.aliases", server.to_owned(), Object::new())
        }
        17 => (
            "x.of_user",
            (*chance.pick(&[sender, &other])).to_owned(),
            Object::new(),
        ),
        _ => {
            let content = format!(r#"{{"topic":"{}"}}"#, chance.below(1000));
            ("m.room.topic", String::new(), object(&content))
        }
    }
}

fn member(
    chance: &mut Chance,
    user: String,
    membership: &str,
    room: &Room,
) -> (&'static str, String, Object) {
    let mut content = object(&format!(r#"{{"membership":"{membership}"}}"#));
    if chance.percent(30) {
        content.insert(
            "displayname".to_owned(),
            chance.below(100).to_string().into(),
        );
    }
    if membership == "join" && room.rules().restricted && chance.percent(40) {
        let via = *chance.pick(&USERS);
        content.insert("join_authorised_via_users_server", via.into());
    }
    ("m.room.member", user, content)
}

fn join_rules(room: &Room, chance: &mut Chance) -> Object {
    let mut rules = vec!["public", "public", "invite", "private"];
    if room.rules().knocking {
        rules.push("knock");
    }
    if room.rules().restricted {
        rules.push("restricted");
    }
    if room.rules().knock_restricted {
        rules.push("knock_restricted");
    }
    object(&format!(r#"{{"join_rule":"{}"}}"#, chance.pick(&rules)))
}

/// Makes the list of auth events wrong: another event of the same key, maybe a rejected one, or of
/// its own takes its place.
fn disturb(room: &Room, auth: &mut [Rn], chance: &mut Chance) {
    if auth.is_empty() {
        return;
    }
    let place = chance.below(auth.len());
    let event = room.event(auth[place]);
    if matches!(event.pdu.kind(), "m.room.create") {
        return;
    }
    let alike: Vec<Rn> = room
        .memory
        .events()
        .iter()
        .filter(|other| other.skid == event.skid)
        .map(|other| other.rn)
        .collect();
    auth[place] = *chance.pick(&alike);
}

/// Takes a key out of a state now and then.
fn forget(room: &Room, state: &mut StateMap, chance: &mut Chance) {
    if !chance.percent(6) {
        return;
    }
    let keys: Vec<_> = state.keys().copied().collect();
    let key = *chance.pick(&keys);
    let fixed = ["m.room.create", "m.room.join_rules"];
    if fixed
        .iter()
        .all(|kind| room.memory.skid(kind, "") != Some(key))
    {
        state.remove(&key);
    }
}

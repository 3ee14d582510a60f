//! What an entry counts for: members and messages, in the room's head.

use gantry_model::{Pdu, Value, id::UserId};
use gantry_state_res::{Rn, StateMap};

use super::Env;
use crate::{
    EventFlags, Relation,
    codec::{Change, Class, Counts},
    memory::Memory,
    state::diff,
};

/// Whether applying the entry as a timeline event would not give the new current state.
pub(super) fn diverges(memory: &Memory, old: &StateMap, new: &StateMap, rn: Option<Rn>) -> bool {
    let expected = match rn.and_then(|rn| memory.dag.get(rn)) {
        Some(event) => old.update(event.skid, event.rn),
        None => old.clone(),
    };
    !diff(&expected, new).is_empty()
}

/// By how many the joined members of this server grow.
pub(super) fn local_steps(memory: &Memory, env: &Env<'_>, changes: &[Change]) -> i64 {
    let mut steps = 0;
    for (skid, old, new) in changes {
        let Some(("m.room.member", user)) = memory.dag.key(*skid) else {
            continue;
        };
        if !UserId::parse(user).is_ok_and(|user| (env.is_local)(&user)) {
            continue;
        }
        for (rn, step) in [(old, -1), (new, 1)] {
            let event = rn.and_then(|rn| memory.dag.get(rn));
            if event.and_then(|event| event.pdu.content_str("membership")) == Some("join") {
                steps += step;
            }
        }
    }
    steps
}

/// The counters after an entry.
pub(super) fn count(
    memory: &Memory,
    pdu: &Pdu,
    changes: &[Change],
    flags: EventFlags,
    class: Class,
) -> Counts {
    let mut counts = memory.head.counts;
    count_members(memory, &mut counts, changes);
    if class == Class::Live && !flags.soft && !flags.quiet {
        let relates = Relation::of(pdu);
        let kind = relates.as_ref().map(|relation| relation.kind.as_str());
        match (notifies(pdu, kind), kind) {
            (true, Some("m.thread")) => counts.thread += 1,
            (true, _) => counts.main += 1,
            (false, _) => {}
        }
        counts.all += i64::from(highlights_everyone(pdu));
        counts.red += i64::from(pdu.kind() == "m.room.redaction");
    }
    counts
}

/// Counts the members that come and go.
pub(super) fn count_members(memory: &Memory, counts: &mut Counts, changes: &[Change]) {
    for (skid, old, new) in changes {
        if memory
            .dag
            .key(*skid)
            .is_none_or(|(kind, _)| kind != "m.room.member")
        {
            continue;
        }
        for (rn, step) in [(old, -1), (new, 1)] {
            let event = rn.and_then(|rn| memory.dag.get(rn));
            match event.and_then(|event| event.pdu.content_str("membership")) {
                Some("join") => counts.joined += step,
                Some("invite") => counts.invited += step,
                _ => {}
            }
        }
    }
}

/// Whether the default push rules notify of an event.
pub(crate) fn notifies(pdu: &Pdu, relation: Option<&str>) -> bool {
    let is_message = match pdu.kind() {
        "m.room.message" => pdu.content_str("msgtype") != Some("m.notice"),
        "m.room.encrypted" => true,
        _ => false,
    };
    is_message && pdu.state_key().is_none() && relation != Some("m.replace")
}

/// Whether an event highlights everyone: `@room`, or the end of the room.
pub(crate) fn highlights_everyone(pdu: &Pdu) -> bool {
    let mentions_room = pdu
        .content()
        .get("m.mentions")
        .and_then(Value::as_object)
        .and_then(|mentions| mentions.get("room"))
        .and_then(Value::as_bool)
        .unwrap_or(false);
    mentions_room || pdu.is_state("m.room.tombstone", "")
}

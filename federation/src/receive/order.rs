//! Events in the order in which they can be taken in.

use std::collections::{BTreeMap, HashMap};

use gantry_model::{Pdu, id::OwnedEventId};

/// Sorts events so that each comes after those of its previous events that are among them. Lying
/// depths do not matter; events of a cycle (which hashes make impossible, and ids of versions 1
/// and 2 do not) come last.
pub(super) fn by_prev(events: HashMap<OwnedEventId, Pdu>) -> Vec<Pdu> {
    let mut open: HashMap<OwnedEventId, usize> = HashMap::new();
    let mut after: HashMap<OwnedEventId, Vec<OwnedEventId>> = HashMap::new();
    // Ordered, so that the result does not depend on chance.
    let mut events: BTreeMap<OwnedEventId, Pdu> = events.into_iter().collect();
    for (id, pdu) in &events {
        let mut count = 0;
        for prev in pdu.prev_events() {
            if prev != id && events.contains_key(prev) {
                after.entry(prev.clone()).or_default().push(id.clone());
                count += 1;
            }
        }
        open.insert(id.clone(), count);
    }
    let mut ready: Vec<OwnedEventId> = events
        .keys()
        .filter(|id| open.get(*id) == Some(&0))
        .cloned()
        .collect();
    let mut sorted = Vec::with_capacity(events.len());
    while let Some(id) = ready.pop() {
        for next in after.remove(&id).unwrap_or_default() {
            if let Some(count) = open.get_mut(&next) {
                *count -= 1;
                if *count == 0 {
                    ready.push(next);
                }
            }
        }
        sorted.extend(events.remove(&id));
    }
    let mut rest: Vec<Pdu> = events.into_values().collect();
    rest.sort_by_key(Pdu::depth);
    sorted.extend(rest);
    sorted
}

#[cfg(test)]
mod tests {
    use gantry_model::{
        Object, PduDraft, RoomVersion, ServerSigningKey,
        id::{RoomId, UserId},
        pdu::Reference,
    };
    use proptest::prelude::*;

    use super::*;

    fn event(number: i64, prev: &[&Pdu]) -> Pdu {
        let draft = PduDraft {
            room_id: Some(RoomId::parse("!a:b.c").unwrap()),
            sender: UserId::parse("@a:b.c").unwrap(),
            kind: "m.room.message".to_owned(),
            state_key: None,
            content: Object::new(),
            redacts: None,
            prev_events: prev.iter().map(|pdu| Reference::to(pdu)).collect(),
            auth_events: Vec::new(),
            depth: 1,
            origin_server_ts: number,
            id_localpart: String::new(),
        };
        let key = ServerSigningKey::from_seed("1", &[1; 32]);
        draft
            .sign("b.c".try_into().unwrap(), &key, RoomVersion::V11.rules())
            .unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn previous_events_come_first(picks in prop::collection::vec(any::<[u8; 3]>(), 1..30)) {
            let mut events: Vec<Pdu> = Vec::new();
            for (number, picks) in picks.iter().enumerate() {
                let prev: Vec<&Pdu> = picks
                    .iter()
                    .filter_map(|pick| events.get(usize::from(*pick)))
                    .collect();
                events.push(event(number as i64, &prev));
            }
            let count = events.len();
            let map = events.into_iter().map(|pdu| (pdu.event_id().to_owned(), pdu)).collect();

            let sorted = by_prev(map);

            prop_assert_eq!(sorted.len(), count);
            for (at, pdu) in sorted.iter().enumerate() {
                let is_later = |id: &OwnedEventId| sorted[at..].iter().any(|one| one.event_id() == id);
                let stands_before = pdu.prev_events().iter().all(|prev| !is_later(prev));
                prop_assert!(stands_before);
            }
        }
    }
}

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
    use gantry_roomgen::message_in;
    use proptest::prelude::*;

    use super::*;

    fn event(number: i64, prev: &[&Pdu]) -> Pdu {
        message_in("b.c".try_into().unwrap(), "!a:b.c", number, prev)
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

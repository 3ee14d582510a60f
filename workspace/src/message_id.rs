//! The Rocket.Chat ids of messages. A client that sends a message may choose its id; any other
//! event has one that is derived from its hash: 22 characters, and nobody may choose so many.

use base64::Engine as _;
use gantry_model::hash::BASE64_URL;
use gantry_rooms::RoomEvent;

/// Characters of a derived id.
pub const DERIVED_LENGTH: usize = 22;

/// The longest id that a client may choose.
const MAX_CHOSEN: usize = 64;

/// The id of an event.
pub fn of(event: &RoomEvent) -> String {
    event
        .rc
        .clone()
        .unwrap_or_else(|| derived(&event.pdu.hash()))
}

/// The id that is derived from an event's hash.
pub fn derived(hash: &[u8; 32]) -> String {
    BASE64_URL.encode(&hash[..16])
}

/// The first 16 bytes of the hash that an id was derived from.
pub fn hash_prefix(id: &str) -> Option<[u8; 16]> {
    if id.len() != DERIVED_LENGTH {
        return None;
    }
    let prefix: [u8; 16] = BASE64_URL.decode(id).ok()?.try_into().ok()?;
    // One hash has one spelling.
    (BASE64_URL.encode(prefix) == id).then_some(prefix)
}

/// Whether a client may choose the id.
pub fn may_choose(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    !id.is_empty()
        && id.len() <= MAX_CHOSEN
        && id.len() != DERIVED_LENGTH
        && id.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_clients_choose_is_allowed_and_what_is_derived_is_not() {
        assert!(may_choose("a1b2c3d4e5f6"));
        assert!(may_choose("Zx8kQ2mN4pR6tV9wA"));
        let (derived, long) = (derived(&[7; 32]), "x".repeat(65));
        for id in ["", "a/b", "a b", "é", derived.as_str(), long.as_str()] {
            assert!(!may_choose(id), "{id}");
        }
    }

    proptest! {
        #[test]
        fn a_derived_id_leads_back_to_its_hash(hash: [u8; 32]) {
            let id = derived(&hash);

            prop_assert_eq!(id.len(), DERIVED_LENGTH);
            prop_assert_eq!(&hash_prefix(&id).unwrap()[..], &hash[..16]);
        }

        #[test]
        fn any_text_has_no_prefix_or_is_the_id_of_it(text in "[A-Za-z0-9_=/+-]{20,24}") {
            if let Some(prefix) = hash_prefix(&text) {
                let mut hash = [0; 32];
                hash[..16].copy_from_slice(&prefix);
                prop_assert_eq!(derived(&hash), text);
            }
        }
    }
}

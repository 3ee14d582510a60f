//! Rule 2: the list of auth events.

use std::collections::BTreeSet;

use gantry_model::Pdu;

use super::{auth_types, ensure};
use crate::Rejection;

/// An auth event of an event that is checked.
#[derive(Debug, Clone, Copy)]
pub struct AuthEventRef<'a> {
    /// The auth event.
    pub pdu: &'a Pdu,
    /// Whether it was rejected itself.
    pub rejected: bool,
}

/// Checks the auth events that an event lists: rule 2, and 3 from version 12 on. That all of them
/// were found is up to the caller. A create event is not checked: its rule looks at no auth events.
pub fn check_auth_events(pdu: &Pdu, auth_events: &[AuthEventRef<'_>]) -> Result<(), Rejection> {
    if pdu.kind() == "m.room.create" {
        return Ok(());
    }
    let rules = pdu.rules();
    let expected = auth_types(
        pdu.kind(),
        pdu.sender(),
        pdu.state_key(),
        pdu.content(),
        rules,
    );
    let mut seen = BTreeSet::new();
    let mut has_create = false;
    for auth_event in auth_events {
        let auth_pdu = auth_event.pdu;
        let (kind, state_key) = (auth_pdu.kind(), auth_pdu.state_key());
        // Rule 2.5.
        ensure(
            auth_pdu.room_id() == pdu.room_id(),
            Rejection::ForeignAuthEvent,
        )?;
        // Rule 2.1.
        ensure(
            seen.insert((kind, state_key)),
            Rejection::DuplicateAuthEvents,
        )?;
        // Rule 2.2.
        let is_expected = expected
            .iter()
            .any(|(of_kind, key)| of_kind == kind && Some(key.as_str()) == state_key);
        ensure(is_expected, Rejection::UnexpectedAuthEvent)?;
        // Rule 2.3.
        ensure(!auth_event.rejected, Rejection::RejectedAuthEvent)?;
        has_create |= kind == "m.room.create";
    }
    // Rule 2.4.
    ensure(
        has_create || rules.room_id_is_create_hash,
        Rejection::NoCreate,
    )
}

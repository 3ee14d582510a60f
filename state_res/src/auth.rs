//! The authorization rules.
//!
//! Specification: the "Authorization rules" of each room version, for instance
//! <https://spec.matrix.org/v1.19/rooms/v11/#authorization-rules>. Rule numbers in this module are
//! those of room version 11 unless it says otherwise.

mod closure;
mod create;
mod knowledge;
mod list;
mod member;
mod owned_state;
mod power_levels;
mod redaction;
mod selection;
mod third_party_invite;

use std::sync::Arc;

use gantry_model::Pdu;

pub(crate) use knowledge::Knowledge;
pub use list::{AuthEventRef, check_auth_events};
pub use selection::auth_types;

use crate::{PowerLevels, Rejection, view::View};

/// Checks an event against a state: every rule but those about the list of auth events, which are
/// [`check_auth_events`]. `state` gives the event of a type and state key. It must always know the
/// room's create event, also where that is in nobody's auth events.
pub fn check(pdu: &Pdu, state: &dyn Fn(&str, &str) -> Option<Arc<Pdu>>) -> Result<(), Rejection> {
    check_in(pdu, &View::parse(pdu), &closure::ClosureState(state))
}

/// The rules in their order; the first that decides ends the check.
pub(crate) fn check_in(pdu: &Pdu, view: &View, state: &dyn Knowledge) -> Result<(), Rejection> {
    if pdu.kind() == "m.room.create" {
        return create::check(pdu);
    }
    let create = state.create().ok_or(Rejection::NoCreate)?;
    if pdu.room_id() != create.room_id {
        return Err(Rejection::NoCreate);
    }
    // Rule 3.
    if !create.federate && create.sender.server_name() != pdu.sender().server_name() {
        return Err(Rejection::NotFederated);
    }
    // Rule 4 of versions 1 to 5.
    if pdu.rules().aliases_auth_rule && pdu.kind() == "m.room.aliases" {
        return ensure(
            pdu.state_key() == Some(pdu.sender().server_name().as_str()),
            Rejection::ForeignAliases,
        );
    }
    // Rule 4.
    if let View::Member(member) = view {
        return member::check(pdu, member, &create, state);
    }
    // Rule 5.
    ensure(state.is_joined(pdu.sender()), Rejection::SenderNotJoined)?;
    let levels = PowerLevels::from_parts(create, pdu.rules().privileged_creators, state.levels());
    check_levels(pdu, view, &levels, state)
}

/// Rules 6 to 10, all of which ask for the sender's level.
fn check_levels(
    pdu: &Pdu,
    view: &View,
    levels: &PowerLevels,
    state: &dyn Knowledge,
) -> Result<(), Rejection> {
    let sender_level = levels.for_user(pdu.sender());
    // Rule 6.
    if pdu.kind() == "m.room.third_party_invite" {
        return ensure(sender_level >= levels.invite(), Rejection::InviteLevel);
    }
    // Rule 7.
    let required = levels.required_for(pdu.kind(), pdu.state_key().is_some());
    ensure(sender_level >= required, Rejection::EventLevel)?;
    // Rule 8.
    owned_state::check(pdu, sender_level, levels)?;
    // Rule 9.
    if let View::PowerLevels(new) = view {
        return power_levels::check(pdu, new, state.levels().as_deref(), levels);
    }
    // Rule 11 of versions 1 and 2.
    if pdu.rules().redaction_auth_rule && pdu.kind() == "m.room.redaction" {
        return redaction::check(pdu, sender_level, levels);
    }
    // Rule 10.
    Ok(())
}

fn ensure(holds: bool, otherwise: Rejection) -> Result<(), Rejection> {
    if holds { Ok(()) } else { Err(otherwise) }
}

//! What joining, leaving and knocking through us have in common.

use gantry_model::{
    Object, Pdu, Value,
    id::{RoomId, ServerName, UserId},
};
use gantry_rooms::{Arrival, Ingested, NewEvent, RoomView};

use super::{Answer, reply};
use crate::{
    Error, Federation, Result,
    wire::{query_pairs, user_id},
};

/// The most versions that a server may name.
const MAX_VERSIONS: usize = 100;

/// The versions that `?ver=` names; an old server that names none speaks version 1.
pub(super) fn require_version(view: &RoomView, query: Option<&str>) -> Result<()> {
    let version = view.version().as_str();
    let mut named = query_pairs(query.unwrap_or_default(), MAX_VERSIONS)
        .into_iter()
        .filter(|(key, _)| key == "ver")
        .peekable();
    let fits = match named.peek() {
        Some(_) => named.any(|(_, name)| name == version),
        None => version == "1",
    };
    if fits {
        Ok(())
    } else {
        Err(Error::IncompatibleVersion {
            version: version.to_owned(),
        })
    }
}

/// The user that a path names, who must be one of the asking server's.
pub(super) fn own_user(origin: &ServerName, text: &str) -> Result<gantry_model::id::OwnedUserId> {
    let user = user_id(text).ok_or(Error::BadRequest("the user id is not one"))?;
    if user.server_name() == origin {
        Ok(user)
    } else {
        Err(Error::Forbidden("the user is not one of the asking server"))
    }
}

/// The unsigned member event for another server to finish.
pub(super) async fn make(
    federation: &Federation,
    room: &RoomId,
    user: &UserId,
    content: Object,
) -> Answer {
    let event = NewEvent::state(user.to_owned(), "m.room.member", user.as_str(), content);
    let mut template = federation.rooms().template(room, event).await?;
    let us = federation.us().as_str();
    template.object.insert("origin", us.into());
    Ok(reply([
        ("event", template.object.into()),
        ("room_version", template.version.as_str().into()),
    ]))
}

/// Checks that an event is the sender's own member event with that membership, and that the sender
/// is one of the asking server.
pub(super) fn require_own_membership(
    origin: &ServerName,
    pdu: &Pdu,
    membership: &str,
) -> Result<()> {
    if !pdu.is_state("m.room.member", pdu.sender().as_str())
        || pdu.content_str("membership") != Some(membership)
    {
        return Err(Error::BadRequest(
            "the event is not the member event that it should be",
        ));
    }
    if pdu.sender().server_name() != origin {
        return Err(Error::Forbidden("the user is not one of the asking server"));
    }
    Ok(())
}

/// Takes a handed-over event in, if the room's policy server has nothing against it: the event as it
/// is relayed by us.
pub(super) async fn take_in(federation: &Federation, view: &RoomView, pdu: Pdu) -> Result<Pdu> {
    let judged = federation.policy().judge(view, pdu, true).await;
    if !judged.is_recommended {
        return Err(Error::Forbidden(
            "the room's policy server does not recommend this",
        ));
    }
    let (rooms, pdu) = (federation.rooms(), judged.pdu);
    match rooms.ingest(pdu.clone(), Arrival::Handshake).await? {
        Ingested::Accepted(_) | Ingested::Known => Ok(pdu),
        Ingested::SoftFailed | Ingested::Rejected(_) => {
            Err(Error::Forbidden("the room's rules do not allow it"))
        }
        Ingested::Missing { .. } => Err(Error::BadRequest(
            "the event refers to events that are not known",
        )),
    }
}

/// Member content that says nothing but the membership.
pub(super) fn membership(membership: &str) -> Object {
    crate::wire::object([("membership", Value::from(membership))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_a_user_of_another_server_is_refused() {
        let origin = "a.com".try_into().unwrap();

        assert!(own_user(origin, "@x:a.com").is_ok());
        assert!(own_user(origin, "@x:b.com").is_err());
        assert!(own_user(origin, "x").is_err());
    }
}

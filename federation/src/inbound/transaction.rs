//! Transactions of other servers.
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#transactions>.

use axum::{Json, extract::State};
use gantry_model::{
    Object, Pdu, Value,
    id::{OwnedRoomId, RoomId, ServerName},
};
use gantry_rooms::RoomView;
use gantry_web::PathArgs;

use super::Answer;
use crate::{
    Error, Federation, Result,
    auth::ServerOrigin,
    check::Checker,
    edu,
    wire::{into_object, object, room_id, text},
};

/// The most events of a transaction.
const MAX_PDUS: usize = 50;
/// The most ephemeral units of a transaction.
const MAX_EDUS: usize = 100;

/// `PUT /_matrix/federation/v1/send/{txnId}`
pub(super) async fn send_transaction(
    State(federation): State<Federation>,
    PathArgs(_txn_id): PathArgs<String>,
    ServerOrigin { origin, mut body }: ServerOrigin,
) -> Answer {
    let pdus = list(&mut body, "pdus", MAX_PDUS)?;
    let edus = list(&mut body, "edus", MAX_EDUS)?;
    federation.receiver().require_place(&origin)?;
    let results = receive_pdus(&federation, &origin, pdus).await?;
    for edu in edus {
        edu::receive(&federation, &origin, &edu).await?;
    }
    Ok(Json(object([("pdus", results.into())]).into()))
}

/// A list of the body; too long a list spoils the whole transaction.
fn list(body: &mut Object, key: &str, most: usize) -> Result<Vec<Object>> {
    match body.remove(key) {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) if items.len() > most => {
            Err(Error::BadRequest("too many events in the transaction"))
        }
        Some(Value::Array(items)) => Ok(items.into_iter().filter_map(into_object).collect()),
        Some(_) => Err(Error::BadRequest("a list of events is no list")),
    }
}

/// Checks 1 to 3 on each event, stages what passes, and says of each what became of it. One bad
/// event spoils no other.
async fn receive_pdus(
    federation: &Federation,
    origin: &ServerName,
    objects: Vec<Object>,
) -> Result<Object> {
    let mut results = Object::new();
    let mut well_formed = Vec::new();
    for object in objects {
        match check_format(federation, origin, object).await {
            Ok(pdu) => well_formed.push(pdu),
            // Without a form there is no id to answer under, unless the event brings its own.
            Err((id, error)) if is_internal(&error) => {
                tracing::warn!(id, %error, "a transaction could not be received");
                return Err(error);
            }
            Err((id, error)) => {
                tracing::debug!(%origin, id, %error, "an event was dropped");
                if !id.is_empty() {
                    results.insert(id, failure(&error.public_message()));
                }
            }
        }
    }
    let ids: Vec<String> = well_formed
        .iter()
        .map(|pdu| pdu.event_id().to_string())
        .collect();
    let mut accepted = Vec::new();
    for (id, checked) in ids
        .into_iter()
        .zip(federation.checker().check(well_formed).await)
    {
        match checked {
            Ok(pdu) => {
                accepted.push(pdu);
                results.insert(id, Object::new().into());
            }
            Err(dropped) => {
                tracing::debug!(%origin, id, %dropped, "an event was dropped");
                results.insert(id, failure(&dropped.to_string()));
            }
        }
    }
    federation.receiver().accept(origin, accepted).await?;
    Ok(results)
}

/// Check 1, and whether the server may send into the room at all. An error comes with the event's
/// id, as far as it has one.
async fn check_format(
    federation: &Federation,
    origin: &ServerName,
    object: Object,
) -> Result<Pdu, (String, Error)> {
    let mut id = text(&object, "event_id").unwrap_or_default().to_owned();
    let room = room_of(&object).ok_or((id.clone(), Error::BadRequest("no room id")))?;
    let with_id = |error| (id.clone(), error);
    let view = current_view(federation, &room).await.map_err(&with_id)?;
    let view = view.ok_or_else(|| with_id(Error::NotFound("unknown room")))?;
    let pdu = Checker::check_format(object, view.version(), &room)
        .map_err(|_| with_id(Error::BadRequest("malformed event")))?;
    id = pdu.event_id().to_string();
    match admit(federation, origin, &view, &pdu) {
        Ok(()) => Ok(pdu),
        Err(error) => Err((id, error)),
    }
}

/// The room as it is now; if one of our users is just joining it, as it is then.
async fn current_view(federation: &Federation, room: &RoomId) -> Result<Option<RoomView>> {
    let view = federation.rooms().view(room).await?;
    if view.as_ref().is_some_and(RoomView::is_joined_locally)
        || !federation.joining().wait(room).await
    {
        return Ok(view);
    }
    Ok(federation.rooms().view(room).await?)
}

/// The room that an event names. A create event of version 12 names none, and is never sent in a
/// transaction to a server that lacks it.
fn room_of(object: &Object) -> Option<OwnedRoomId> {
    text(object, "room_id").and_then(room_id)
}

fn admit(federation: &Federation, origin: &ServerName, view: &RoomView, pdu: &Pdu) -> Result<()> {
    if !view.is_joined_locally() {
        return Err(Error::NotFound("this server is not in the room"));
    }
    let sender = pdu.sender().server_name();
    if !federation.acls().allows(view, origin) || !federation.acls().allows(view, sender) {
        return Err(Error::Forbidden("the server is excluded from the room"));
    }
    if !federation.receiver().has_place(view.room_id()) {
        return Err(Error::Busy);
    }
    Ok(())
}

fn is_internal(error: &Error) -> bool {
    matches!(error.kind(), gantry_model::ErrorKind::Internal)
}

fn failure(message: &str) -> Value {
    object([("error", message.into())]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_is_too_long_is_refused_as_a_whole() {
        let events = |count: usize| -> Object {
            object([("pdus", Value::Array(vec![Object::new().into(); count]))])
        };

        assert_eq!(list(&mut events(50), "pdus", MAX_PDUS).unwrap().len(), 50);
        assert!(list(&mut events(51), "pdus", MAX_PDUS).is_err());
        assert!(list(&mut events(1), "edus", MAX_EDUS).unwrap().is_empty());
    }
}

//! Invites of our users by other servers.
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#inviting-to-a-room>.

use axum::extract::State;
use gantry_accounts::InviteVerdict;
use gantry_model::{
    Object, Pdu, RoomVersion,
    id::{OwnedRoomId, OwnedUserId, RoomId, ServerName, UserId},
};
use gantry_rooms::{Arrival, OutOfBandKind, RoomView};
use gantry_web::PathArgs;

use super::{Answer, reply, version_1};
use crate::{
    Error, Federation, Result,
    auth::ServerOrigin,
    wire::{into_object, objects, stripped, text, user_id},
};

/// State events of an invite that are kept.
const MAX_STATE: usize = 100;

/// What an invite brings.
struct Invite {
    event: Object,
    version: RoomVersion,
    state: Vec<Object>,
}

/// `PUT /_matrix/federation/v2/invite/{roomId}/{eventId}`
pub(super) async fn send_invite(
    State(federation): State<Federation>,
    PathArgs((room, event)): PathArgs<(OwnedRoomId, String)>,
    ServerOrigin { origin, mut body }: ServerOrigin,
) -> Answer {
    let version =
        text(&body, "room_version").ok_or(Error::BadRequest("room_version is missing"))?;
    let version = version.parse().map_err(|_| Error::IncompatibleVersion {
        version: version.chars().take(64).collect(),
    })?;
    let state = objects(&mut body, "invite_room_state", MAX_STATE);
    let content = body.remove("event").and_then(into_object);
    let content = content.ok_or(Error::BadRequest("event is missing"))?;
    let invite = Invite {
        event: content,
        version,
        state,
    };
    let signed = take_invite(&federation, &origin, &room, &event, invite).await?;
    Ok(reply([("event", signed.object().clone().into())]))
}

/// `PUT /_matrix/federation/v1/invite/{roomId}/{eventId}`
pub(super) async fn send_invite_v1(
    State(federation): State<Federation>,
    PathArgs((room, event)): PathArgs<(OwnedRoomId, String)>,
    ServerOrigin { origin, mut body }: ServerOrigin,
) -> Answer {
    let mut unsigned = body
        .remove("unsigned")
        .and_then(into_object)
        .unwrap_or_default();
    let state = objects(&mut unsigned, "invite_room_state", MAX_STATE);
    let invite = Invite {
        event: body,
        version: RoomVersion::V1,
        state,
    };
    let signed = take_invite(&federation, &origin, &room, &event, invite).await?;
    Ok(version_1(reply([(
        "event",
        signed.object().clone().into(),
    )])))
}

async fn take_invite(
    federation: &Federation,
    origin: &ServerName,
    room: &RoomId,
    event_id: &str,
    invite: Invite,
) -> Result<Pdu> {
    let Invite {
        event,
        version,
        state,
    } = invite;
    let pdu = federation
        .check_handed_over(event, version, room, event_id)
        .await?;
    let invited = invited_user(federation, origin, &pdu).await?;
    let verdict = federation.accounts().invite_verdict(&invited, pdu.sender());
    if verdict.await? == InviteVerdict::Block {
        return Err(Error::InviteBlocked);
    }
    let identity = federation.rooms().identity();
    let signed = pdu.signed_by(identity.server_name(), identity.key());
    let view = federation
        .rooms()
        .view(room)
        .await?
        .filter(RoomView::is_joined_locally);
    if let Some(view) = view {
        if !federation.acls().allows(&view, origin) {
            return Err(Error::Forbidden("the server is excluded from the room"));
        }
        // The event also comes in a transaction; whether it can be taken in before does not matter.
        let taken = federation
            .rooms()
            .ingest(signed.clone(), Arrival::Transaction)
            .await;
        tracing::debug!(%room, ?taken, "an invite to a room that we are in");
        return Ok(signed);
    }
    let state = state.iter().filter_map(stripped).collect();
    let (kind, version) = (OutOfBandKind::Invite, version.to_string());
    let event = signed.object().clone();
    let rooms = federation.rooms();
    rooms
        .put_out_of_band(&invited, room, kind, event, state, Some(version))
        .await?;
    Ok(signed)
}

/// The invited user, if the event is an invite by the asking server of one of our users.
async fn invited_user(
    federation: &Federation,
    origin: &ServerName,
    pdu: &Pdu,
) -> Result<OwnedUserId> {
    let is_invite =
        pdu.kind() == "m.room.member" && pdu.content_str("membership") == Some("invite");
    let invited = pdu.state_key().and_then(user_id).filter(|_| is_invite);
    let invited = invited.ok_or(Error::BadRequest("the event is not an invite"))?;
    // What an identity server vouches for may be sent by any server in the room.
    let is_vouched = pdu.content().contains_key("third_party_invite");
    if pdu.sender().server_name() != origin && !is_vouched {
        return Err(Error::Forbidden(
            "the inviting user is not one of the asking server",
        ));
    }
    if !federation.rooms().identity().is_local(&invited) {
        return Err(Error::BadRequest(
            "the invited user is not one of this server",
        ));
    }
    federation.require_user(&invited).await?;
    Ok(invited)
}

impl Federation {
    /// Fails unless that is one of our users.
    pub(super) async fn require_user(&self, user: &UserId) -> Result<()> {
        match self.accounts().account(user).await? {
            Some(account) if !account.deactivated => Ok(()),
            _ => Err(Error::Forbidden("there is no such user")),
        }
    }
}

#[cfg(test)]
mod tests {
    use gantry_model::Value;

    use super::*;

    #[test]
    fn stripped_state_keeps_what_clients_need() {
        let mut body = crate::wire::object([(
            "invite_room_state",
            Value::Array(vec![
                crate::wire::object([
                    ("type", "m.room.name".into()),
                    ("state_key", "".into()),
                    ("sender", "@a:b".into()),
                    ("content", Object::new().into()),
                    ("hashes", Object::new().into()),
                ])
                .into(),
                3.into(),
            ]),
        )]);

        let state = objects(&mut body, "invite_room_state", MAX_STATE);
        let kept = stripped(&state[0]).unwrap();

        assert_eq!(state.len(), 1);
        assert_eq!(kept.len(), 4);
    }
}

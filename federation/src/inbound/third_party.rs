//! Invites of people who were known by an e-mail address only.
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#third-party-invites>.

use std::time::Duration;

use axum::{body::Bytes, extract::State};
use gantry_accounts::InviteVerdict;
use gantry_model::{
    Object, Value,
    canonical_json::parse_object,
    id::{OwnedRoomId, OwnedServerName, OwnedUserId, RoomId},
};
use gantry_rooms::{Arrival, Ingested, NewEvent, RoomView};
use gantry_web::PathArgs;

use super::{Answer, handshake::own_user, knock::shown_events, reply};
use crate::{
    Error, Federation, Result,
    auth::ServerOrigin,
    wire::{object, objects, room_id, text, user_id},
};

/// The most invites of one notification.
const MAX_INVITES: usize = 20;
/// How long the invites of one notification may take together.
const DEADLINE: Duration = Duration::from_secs(30);

/// An invite that an identity server vouches for, and that is still to be made an event.
struct Vouched {
    room: OwnedRoomId,
    sender: OwnedUserId,
    invited: OwnedUserId,
    signed: Object,
}

/// `PUT /_matrix/federation/v1/exchange_third_party_invite/{roomId}`
pub(super) async fn exchange_third_party_invite(
    State(federation): State<Federation>,
    PathArgs(room): PathArgs<OwnedRoomId>,
    ServerOrigin { origin, body }: ServerOrigin,
) -> Answer {
    let vouched = of_partial_event(&room, &body)?;
    own_user(&origin, vouched.invited.as_str())?;
    if !federation.rooms().identity().is_local(&vouched.sender) {
        return Err(Error::Forbidden(
            "the inviting user is not one of this server",
        ));
    }
    let view = federation.room_for(&origin, &room).await?;
    federation.issue(&view, vouched).await?;
    Ok(reply([]))
}

/// `PUT /_matrix/federation/v1/3pid/onbind`: anybody may say it; the signatures in it count.
pub(super) async fn on_bind_third_party_identifier(
    State(federation): State<Federation>,
    body: Bytes,
) -> Answer {
    if !federation.config().enabled {
        return Err(Error::Disabled);
    }
    let mut body = parse_object(&body).map_err(|_| Error::NotJson)?;
    let user = text(&body, "mxid").and_then(user_id);
    let user = user.ok_or(Error::BadRequest("mxid is missing"))?;
    federation.require_user(&user).await?;
    let invites = objects(&mut body, "invites", MAX_INVITES);
    let work = async {
        for invite in invites {
            let Some(vouched) = of_notification(&user, &invite) else {
                continue;
            };
            if let Err(error) = federation.take_vouched(vouched).await {
                tracing::info!(%user, %error, "a third-party invite came to nothing");
            }
        }
    };
    if tokio::time::timeout(DEADLINE, work).await.is_err() {
        tracing::info!(%user, "third-party invites took too long");
    }
    Ok(reply([]))
}

/// The body of an exchange: a member event without what the sender's server adds.
fn of_partial_event(room: &RoomId, body: &Object) -> Result<Vouched> {
    let content = body.get("content").and_then(Value::as_object);
    let fits = text(body, "type") == Some("m.room.member")
        && text(body, "room_id") == Some(room.as_str())
        && content.and_then(|content| text(content, "membership")) == Some("invite");
    let invite = content.and_then(|content| content.get("third_party_invite"));
    let signed = invite
        .and_then(Value::as_object)
        .and_then(|invite| invite.get("signed"))
        .and_then(Value::as_object);
    let read = || {
        Some(Vouched {
            room: room.to_owned(),
            sender: user_id(text(body, "sender")?)?,
            invited: user_id(text(body, "state_key")?)?,
            signed: signed?.clone(),
        })
    };
    let vouched = fits.then(read).flatten();
    vouched.ok_or(Error::BadRequest("the event is no third-party invite"))
}

/// An invite of a notification, if it is for that user.
fn of_notification(user: &OwnedUserId, invite: &Object) -> Option<Vouched> {
    let signed = invite.get("signed").and_then(Value::as_object)?;
    let is_for_user = [invite, signed]
        .iter()
        .all(|object| text(object, "mxid") == Some(user.as_str()));
    is_for_user.then_some(())?;
    Some(Vouched {
        room: room_id(text(invite, "room_id")?)?,
        sender: user_id(text(invite, "sender")?)?,
        invited: user.clone(),
        signed: signed.clone(),
    })
}

impl Vouched {
    /// The content of the member event; how the invited person was called stands in the offer.
    fn content(&self, offer: Option<&Object>) -> Object {
        let name = offer.and_then(|offer| text(offer, "display_name"));
        let invite = object([
            ("display_name", name.unwrap_or_default().into()),
            ("signed", self.signed.clone().into()),
        ]);
        object([
            ("membership", "invite".into()),
            ("third_party_invite", invite.into()),
        ])
    }
}

impl Federation {
    /// Makes the invite of one of our users true: in the room if we are in it, and otherwise by
    /// asking the inviting user's server, which then invites.
    async fn take_vouched(&self, vouched: Vouched) -> Result<()> {
        let view = self.rooms().view(&vouched.room).await?;
        if let Some(view) = view.filter(RoomView::is_joined_locally) {
            return self.issue(&view, vouched).await;
        }
        let mut servers: Vec<OwnedServerName> = vec![vouched.sender.server_name().to_owned()];
        servers.extend(vouched.room.server_name().map(ToOwned::to_owned));
        servers.dedup();
        let event = object([
            ("type", "m.room.member".into()),
            ("room_id", vouched.room.as_str().into()),
            ("sender", vouched.sender.as_str().into()),
            ("state_key", vouched.invited.as_str().into()),
            ("content", vouched.content(None).into()),
        ]);
        let mut result = Err(Error::NoServer);
        for server in servers.iter().filter(|server| *server != self.us()) {
            let client = self.client();
            result = client
                .exchange_third_party_invite(server, &vouched.room, event.clone())
                .await;
            if result.is_ok() {
                break;
            }
        }
        result
    }

    /// Makes the event, which the room's rules must allow, has the invited user's server sign it,
    /// and takes it in.
    async fn issue(&self, view: &RoomView, vouched: Vouched) -> Result<()> {
        let offer = text(&vouched.signed, "token")
            .and_then(|token| view.state("m.room.third_party_invite", token));
        let content = vouched.content(offer.as_ref().map(|offer| offer.content()));
        let (sender, invited) = (vouched.sender, vouched.invited);
        let event = NewEvent::state(sender, "m.room.member", invited.as_str(), content);
        let draft = self.rooms().draft(view.room_id(), event).await?;
        let draft = self.policy().recommend(view, draft).await?;
        let signed = if self.rooms().identity().is_local(&invited) {
            let verdict = self.accounts().invite_verdict(&invited, draft.sender());
            if verdict.await? == InviteVerdict::Block {
                return Err(Error::InviteBlocked);
            }
            draft
        } else {
            self.calls().invite(&draft, shown_events(view)).await?
        };
        match self.rooms().ingest(signed, Arrival::Local).await? {
            Ingested::Accepted(_) | Ingested::Known => Ok(()),
            Ingested::Rejected(_) | Ingested::SoftFailed | Ingested::Missing { .. } => {
                Err(Error::Forbidden("the room's rules do not allow it"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIGNED: &str = r#"{"mxid":"@b:b.c","token":"t","signatures":{}}"#;

    fn parse(text: &str) -> Object {
        parse_object(text.as_bytes()).unwrap()
    }

    #[test]
    fn an_invite_must_be_for_the_bound_user() {
        let user = user_id("@b:b.c").unwrap();
        let invite = |mxid: &str| {
            let text = format!(
                r#"{{"mxid":"{mxid}","room_id":"!r:a.c","sender":"@a:a.c","signed":{SIGNED}}}"#
            );
            of_notification(&user, &parse(&text))
        };

        assert!(invite("@b:b.c").is_some());
        assert!(invite("@c:b.c").is_none());
    }

    proptest! {
        #[test]
        fn any_body_is_read_or_refused(key in "[a-z_]{0,12}", text in "\\PC{0,60}") {
            let room = room_id("!r:a.c").unwrap();
            let mut body = parse(&format!(
                r#"{{"type":"m.room.member","room_id":"!r:a.c","sender":"@a:a.c",
                    "state_key":"@b:b.c","content":{{"membership":"invite",
                    "third_party_invite":{{"signed":{SIGNED}}}}}}}"#
            ));
            prop_assert!(of_partial_event(&room, &body).is_ok());

            body.insert(key.clone(), text.into());

            let is_used = ["type", "room_id", "sender", "state_key", "content"];
            prop_assert!(is_used.contains(&&*key) || of_partial_event(&room, &body).is_ok());
        }
    }
}

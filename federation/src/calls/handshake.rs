//! Finishing an event that another server began.

use gantry_model::{
    Object, Pdu, Value, hash,
    id::{OwnedServerName, RoomId, ServerName, UserId},
    room_version::EventIdFormat,
};

use super::FederationCalls;
use crate::{
    Federation, Result,
    client::bad,
    race::{PATIENCE, first_good},
    remote::MadeTemplate,
    wire::{object, text},
};

/// Keys that are taken over from a template; everything else is ours to say.
const FROM_TEMPLATE: [&str; 4] = ["room_id", "prev_events", "auth_events", "depth"];

impl FederationCalls {
    /// A template of one of the servers (`make_join`, `make_leave`, `make_knock`), which is taken
    /// out of `servers` together with those that failed. Templates are asked of several servers at
    /// once, because they change nothing.
    pub(super) async fn template(
        &self,
        what: &str,
        room: &RoomId,
        user: &UserId,
        servers: &mut Vec<OwnedServerName>,
    ) -> Result<(OwnedServerName, MadeTemplate)> {
        let client = self.0.client();
        let make =
            |server: OwnedServerName| async move { client.make(&server, what, room, user).await };
        let (server, template) = first_good(servers, PATIENCE, make).await?;
        servers.retain(|one| *one != server);
        Ok((server, template))
    }
}

/// Our member event out of a template: checked, completed, hashed and signed.
///
/// `extra` is what the user wants in the content; of the template's content only
/// `join_authorised_via_users_server` is kept.
pub(super) fn finish(
    federation: &Federation,
    server: &ServerName,
    template: MadeTemplate,
    room: &RoomId,
    user: &UserId,
    membership: &str,
    extra: &Object,
) -> Result<Pdu> {
    let MadeTemplate { event, version } = template;
    let fits = text(&event, "type") == Some("m.room.member")
        && text(&event, "sender") == Some(user.as_str())
        && text(&event, "state_key") == Some(user.as_str())
        && text(&event, "room_id") == Some(room.as_str());
    let content = event.get("content").and_then(Value::as_object);
    if !fits || content.and_then(|content| text(content, "membership")) != Some(membership) {
        return Err(bad(server, "a template for something else"));
    }
    let mut ours = extra.clone();
    ours.insert("membership", membership.into());
    ours.remove("join_authorised_via_users_server");
    if let Some(via) = content.and_then(|content| content.get("join_authorised_via_users_server")) {
        ours.insert("join_authorised_via_users_server", via.clone());
    }
    let mut object = object([
        ("type", "m.room.member".into()),
        ("sender", user.as_str().into()),
        ("state_key", user.as_str().into()),
        ("content", ours.into()),
        ("origin_server_ts", federation.clock().now_ms().into()),
    ]);
    for key in FROM_TEMPLATE {
        object.extend(event.get(key).map(|value| (key.to_owned(), value.clone())));
    }
    let us = federation.us();
    let rules = version.rules();
    if rules.event_id == EventIdFormat::Chosen {
        let id = format!("${}:{us}", federation.rng().alphanumeric(18));
        object.insert("event_id", id.into());
        object.insert("origin", us.as_str().into());
    }
    hash::set_content_hash(&mut object);
    federation
        .rooms()
        .identity()
        .key()
        .sign_event(us.as_str(), &mut object, rules);
    Ok(Pdu::parse(object, version)?)
}

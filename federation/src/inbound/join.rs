//! Other servers' users who join through us.
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#joining-rooms>.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use axum::{
    Json,
    extract::{RawQuery, State},
};
use gantry_model::{
    Object, Pdu, Value,
    id::{EventId, OwnedEventId, OwnedRoomId, OwnedServerName, RoomId, ServerName},
};
use gantry_rooms::RoomView;
use gantry_web::PathArgs;

use super::{
    Answer,
    handshake::{make, membership, own_user, require_own_membership, require_version, take_in},
    reply, version_1,
};
use crate::{
    Error, Federation, Result,
    auth::ServerOrigin,
    wire::{self, query_pairs, user_id},
};

/// The most parameters of a query that are looked at.
const MAX_PAIRS: usize = 20;
/// Members after whom clients name a room that has no name.
const MAX_HEROES: usize = 5;

/// `GET /_matrix/federation/v1/make_join/{roomId}/{userId}`
pub(super) async fn make_join(
    State(federation): State<Federation>,
    PathArgs((room, user)): PathArgs<(OwnedRoomId, String)>,
    RawQuery(query): RawQuery,
    ServerOrigin { origin, .. }: ServerOrigin,
) -> Answer {
    let user = own_user(&origin, &user)?;
    let view = federation.whole_room_for(&origin, &room).await?;
    require_version(&view, query.as_deref())?;
    let mut content = membership("join");
    if let Some(voucher) = federation.voucher(&view, &user).await? {
        content.insert(
            "join_authorised_via_users_server".to_owned(),
            voucher.as_str().into(),
        );
    }
    make(&federation, &room, &user, content).await
}

/// `PUT /_matrix/federation/v2/send_join/{roomId}/{eventId}`
pub(super) async fn send_join(
    State(federation): State<Federation>,
    PathArgs((room, event)): PathArgs<(OwnedRoomId, String)>,
    RawQuery(query): RawQuery,
    ServerOrigin { origin, body }: ServerOrigin,
) -> Answer {
    let pairs = query_pairs(query.as_deref().unwrap_or_default(), MAX_PAIRS);
    let omits = pairs
        .iter()
        .any(|(key, value)| key == "omit_members" && value == "true");
    let (view, pdu) = join(&federation, &origin, &room, &event, body).await?;
    let is_large = view.joined().len() >= federation.config().omit_members_from;
    let members = if omits && is_large {
        Members::Omitted
    } else {
        Members::All
    };
    answer(&federation, &view, &pdu, members).await
}

/// `PUT /_matrix/federation/v1/send_join/{roomId}/{eventId}`
pub(super) async fn send_join_v1(
    State(federation): State<Federation>,
    PathArgs((room, event)): PathArgs<(OwnedRoomId, String)>,
    ServerOrigin { origin, body }: ServerOrigin,
) -> Answer {
    let (view, pdu) = join(&federation, &origin, &room, &event, body).await?;
    let answer = answer(&federation, &view, &pdu, Members::All).await;
    answer.map(version_1)
}

/// Which members a server wants to be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Members {
    All,
    /// It fetches them later.
    Omitted,
}

async fn join(
    federation: &Federation,
    origin: &ServerName,
    room: &RoomId,
    event_id: &str,
    body: Object,
) -> Result<(RoomView, Pdu)> {
    let view = federation.whole_room_for(origin, room).await?;
    let pdu = Pdu::parse(body, view.version())?;
    require_own_membership(origin, &pdu, "join")?;
    let pdu = vouch(federation, &view, pdu).await?;
    let object = pdu.object().clone();
    let pdu = federation
        .check_handed_over(object, view.version(), room, event_id)
        .await?;
    let pdu = take_in(federation, &view, pdu).await?;
    Ok((view, pdu))
}

/// Our signature under the join, if it says that one of our users vouches for it and that is so.
async fn vouch(federation: &Federation, view: &RoomView, pdu: Pdu) -> Result<Pdu> {
    let identity = federation.rooms().identity();
    let named = pdu
        .content_str("join_authorised_via_users_server")
        .and_then(user_id);
    match named {
        Some(named) if identity.is_local(&named) && view.rules().restricted => {
            federation.voucher(view, pdu.sender()).await?;
            Ok(pdu.signed_by(identity.server_name(), identity.key()))
        }
        _ => Ok(pdu),
    }
}

/// The room before the join, and everything that authorizes it. `before`: the room as it was when
/// the join came.
async fn answer(
    federation: &Federation,
    before: &RoomView,
    pdu: &Pdu,
    members: Members,
) -> Result<Json<Value>> {
    let (rooms, room) = (federation.rooms(), before.room_id());
    let state = rooms
        .state_before(room, pdu.event_id())
        .await?
        .ok_or(Error::NotFound("the state before the join is not known"))?;
    let view = rooms.get(room).await?;
    let mut servers: BTreeSet<OwnedServerName> = BTreeSet::clone(&before.servers());
    servers.insert(federation.us().to_owned());
    let servers: Vec<Value> = servers.iter().map(|name| name.as_str().into()).collect();
    let (state, auth_chain) = match members {
        Members::All => {
            let auth_chain = rooms.auth_chain_of_state(&view, &state);
            (state, auth_chain)
        }
        Members::Omitted => {
            let state = without_members(before, state, pdu);
            let mut of = state.clone();
            of.push(Arc::new(pdu.clone()));
            let mut auth_chain = rooms.auth_chain_of_state(&view, &of);
            let given: HashSet<&EventId> = state.iter().map(|event| event.event_id()).collect();
            auth_chain.retain(|event| !given.contains(event.event_id()));
            (state, auth_chain)
        }
    };
    Ok(reply([
        ("origin", federation.us().as_str().into()),
        ("event", pdu.object().clone().into()),
        ("state", wire::pdus(state.iter().map(Arc::as_ref))),
        ("auth_chain", wire::pdus(auth_chain.iter().map(Arc::as_ref))),
        ("members_omitted", (members == Members::Omitted).into()),
        ("servers_in_room", servers.into()),
    ]))
}

/// The state without the members. Where the room has no name, those after whom clients name it stay,
/// and so does what is known of the joining user.
fn without_members(before: &RoomView, state: Vec<Arc<Pdu>>, join: &Pdu) -> Vec<Arc<Pdu>> {
    let is_named = before.name().is_some() || before.canonical_alias().is_some();
    let heroes = if is_named { 0 } else { MAX_HEROES };
    let heroes: HashSet<OwnedEventId> = state
        .iter()
        .filter(|event| event.kind() == "m.room.member" && event.state_key() != join.state_key())
        .filter(|event| matches!(event.content_str("membership"), Some("join" | "invite")))
        .take(heroes)
        .map(|event| event.event_id().to_owned())
        .collect();
    let mut state = state;
    state.retain(|event| {
        event.kind() != "m.room.member"
            || event.state_key() == join.state_key()
            || heroes.contains(event.event_id())
    });
    state
}

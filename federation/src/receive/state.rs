//! Auth events and states of other servers, checked.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use futures::{StreamExt, stream};
use gantry_model::{
    Pdu, RoomVersion,
    id::{OwnedEventId, RoomId, ServerName},
};
use gantry_rooms::{GivenState, Rooms};

use super::Inner;
use crate::{
    Result,
    check::Checker,
    client::{Client, bad},
};

/// Events that are fetched one by one; if more are missing, the whole state is asked for.
const MAX_SINGLE: usize = 50;
/// Of those, at once.
const PARALLEL: usize = 8;
/// Auth events that are followed one by one.
const MAX_AUTH: usize = 200;

/// What asking for states needs.
pub(crate) struct Asker<'a> {
    pub(crate) rooms: &'a Rooms,
    pub(crate) client: &'a Client,
    pub(crate) checker: &'a Checker,
}

/// Stores the auth events that an event names and we do not have.
pub(super) async fn fetch_auth(
    inner: &Inner,
    server: &ServerName,
    pdu: &Pdu,
    missing: &[OwnedEventId],
) -> Result<()> {
    let (room, version) = (pdu.room_id(), pdu.rules().version);
    let chain = inner.client.event_auth(server, room, pdu.event_id()).await;
    let mut events = match chain {
        Ok(chain) => inner.checker.check_room(chain, version, room).await,
        Err(error) => {
            tracing::debug!(%server, %error, "an auth chain was not given");
            Vec::new()
        }
    };
    let given: HashSet<&OwnedEventId> = missing
        .iter()
        .filter(|id| events.iter().any(|event| event.event_id() == **id))
        .collect();
    let rest: Vec<OwnedEventId> = missing
        .iter()
        .filter(|id| !given.contains(id))
        .cloned()
        .collect();
    if !rest.is_empty() {
        events.extend(follow_auth(inner, server, room, version, rest).await?);
    }
    let events = events.into_iter().map(Arc::new).collect();
    Ok(inner.rooms.add_outliers(room, events).await?)
}

/// Fetches events and the auth events that they name in turn, one by one.
async fn follow_auth(
    inner: &Inner,
    server: &ServerName,
    room: &RoomId,
    version: RoomVersion,
    wanted: Vec<OwnedEventId>,
) -> Result<Vec<Pdu>> {
    let asker = Asker {
        rooms: &inner.rooms,
        client: &inner.client,
        checker: &inner.checker,
    };
    let mut seen: HashSet<OwnedEventId> = wanted.iter().cloned().collect();
    let mut wave = wanted;
    let mut found = Vec::new();
    while !wave.is_empty() && seen.len() <= MAX_AUTH {
        let events = asker.events(server, room, version, &wave).await;
        wave.clear();
        for event in &events {
            for id in event.auth_events() {
                if seen.insert(id.clone()) && inner.rooms.pdu(room, id).await?.is_none() {
                    wave.push(id.clone());
                }
            }
        }
        found.extend(events);
    }
    Ok(found)
}

/// The state before an event, as a server gives it.
pub(super) async fn fetch(inner: &Inner, server: &ServerName, pdu: &Pdu) -> Result<GivenState> {
    let asker = Asker {
        rooms: &inner.rooms,
        client: &inner.client,
        checker: &inner.checker,
    };
    asker.state(server, pdu).await
}

impl Asker<'_> {
    /// The state before an event: its ids, of which we fetch what we do not have; if that is much,
    /// the whole state.
    pub(crate) async fn state(&self, server: &ServerName, pdu: &Pdu) -> Result<GivenState> {
        let (room, version) = (pdu.room_id(), pdu.rules().version);
        let ids = self.client.state_ids(server, room, pdu.event_id()).await?;
        let view = self.rooms.get(room).await?;
        let mut events = HashMap::new();
        let mut missing = Vec::new();
        let wanted: HashSet<&OwnedEventId> = ids.state.iter().chain(&ids.auth_chain).collect();
        for id in wanted {
            match view.known_state_event(id) {
                Some(event) => drop(events.insert(id.clone(), event)),
                None => missing.push(id.clone()),
            }
        }
        if missing.len() > MAX_SINGLE {
            return self.full_state(server, pdu).await;
        }
        for event in self.events(server, room, version, &missing).await {
            events.insert(event.event_id().to_owned(), Arc::new(event));
        }
        let pick = |ids: &[OwnedEventId]| -> Vec<Arc<Pdu>> {
            ids.iter()
                .filter_map(|id| events.get(id).cloned())
                .collect()
        };
        let (state, auth_chain) = (pick(&ids.state), pick(&ids.auth_chain));
        if state.len() != ids.state.len() {
            return self.full_state(server, pdu).await;
        }
        Ok(GivenState { state, auth_chain })
    }

    /// The state before an event, all of it.
    pub(crate) async fn full_state(&self, server: &ServerName, pdu: &Pdu) -> Result<GivenState> {
        let (room, version) = (pdu.room_id(), pdu.rules().version);
        let full = self.client.state(server, room, pdu.event_id()).await?;
        let state = self.checker.check_room(full.state, version, room).await;
        let auth_chain = self
            .checker
            .check_room(full.auth_chain, version, room)
            .await;
        if !state
            .iter()
            .any(|event| event.is_state("m.room.create", ""))
        {
            return Err(bad(server, "a state without the create event"));
        }
        Ok(GivenState {
            state: state.into_iter().map(Arc::new).collect(),
            auth_chain: auth_chain.into_iter().map(Arc::new).collect(),
        })
    }

    /// Events by their ids; what is not given or does not pass the checks is left out.
    async fn events(
        &self,
        server: &ServerName,
        room: &RoomId,
        version: RoomVersion,
        ids: &[OwnedEventId],
    ) -> Vec<Pdu> {
        let fetch = |id: OwnedEventId| async move {
            let object = self.client.event(server, &id).await.ok()?;
            let pdu = Checker::check_format(object, version, room).ok()?;
            (pdu.event_id() == id).then_some(pdu)
        };
        let found: Vec<Option<Pdu>> = stream::iter(ids.to_vec())
            .map(fetch)
            .buffer_unordered(PARALLEL)
            .collect()
            .await;
        let objects = found.into_iter().flatten().collect();
        self.checker
            .check(objects)
            .await
            .into_iter()
            .filter_map(Result::ok)
            .collect()
    }
}

//! Fetching what an event refers to, bounded in count, requests and time.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use gantry_model::{
    Pdu,
    id::{OwnedEventId, OwnedServerName, ServerName},
};
use gantry_rooms::{Arrival, Ingested};

use super::{Inner, order::by_prev, state};
use crate::{Error, Result};

/// Events that one event may make us fetch as previous ones.
const MAX_EVENTS: usize = 1_000;
/// Events asked for at once.
const PAGE: usize = 100;
/// Questions for previous events.
const MAX_ROUNDS: usize = 12;
/// Servers that are asked for what one does not give.
const MAX_SERVERS: usize = 4;
/// How long all of it may take.
const DEADLINE: Duration = Duration::from_mins(1);

/// Takes an event in after fetching what it refers to.
pub(super) async fn fill(inner: &Inner, origin: &ServerName, pdu: Pdu) -> Result<Ingested> {
    tokio::time::timeout(DEADLINE, fill_unbounded(inner, origin, pdu))
        .await
        .unwrap_or(Err(Error::Timeout))
}

async fn fill_unbounded(inner: &Inner, origin: &ServerName, pdu: Pdu) -> Result<Ingested> {
    let servers = servers_to_ask(inner, origin, &pdu).await?;
    let target = pdu.event_id().to_owned();
    let missing = fetch_previous(inner, &servers, pdu).await?;
    let mut result = Err(Error::NoServer);
    for event in by_prev(missing) {
        let is_target = event.event_id() == target;
        let arrival = if is_target {
            Arrival::Transaction
        } else {
            Arrival::MissingPrev
        };
        let event_id = event.event_id().to_owned();
        let taken = take_in(inner, &servers, event, arrival).await;
        if let Err(error) = &taken {
            tracing::debug!(%event_id, %error, "an event of a gap was not taken in");
        }
        if is_target {
            result = taken;
        }
    }
    result
}

/// The origin first, then the sender's server, then others in the room.
async fn servers_to_ask(
    inner: &Inner,
    origin: &ServerName,
    pdu: &Pdu,
) -> Result<Vec<OwnedServerName>> {
    let mut servers = vec![origin.to_owned(), pdu.sender().server_name().to_owned()];
    if let Some(view) = inner.rooms.view(pdu.room_id()).await? {
        servers.extend(view.servers().iter().cloned());
    }
    let mut seen = HashSet::new();
    servers.retain(|server| server != inner.client.us() && seen.insert(server.clone()));
    servers.truncate(MAX_SERVERS);
    Ok(servers)
}

/// The event with as many of its unknown ancestors as the bounds allow.
async fn fetch_previous(
    inner: &Inner,
    servers: &[OwnedServerName],
    pdu: Pdu,
) -> Result<HashMap<OwnedEventId, Pdu>> {
    let (room, version) = (pdu.room_id().to_owned(), pdu.rules().version);
    let earliest = inner
        .rooms
        .view(&room)
        .await?
        .map(|view| view.extremities())
        .unwrap_or_default();
    let mut known = HashMap::new();
    let mut found = HashMap::from([(pdu.event_id().to_owned(), pdu)]);
    let mut server_at = 0;
    for _ in 0..MAX_ROUNDS {
        let latest = with_unknown_prev(inner, &found, &mut known).await?;
        let Some(server) = servers.get(server_at) else {
            break;
        };
        if latest.is_empty() || found.len() >= MAX_EVENTS {
            break;
        }
        let latest: Vec<OwnedEventId> = latest.into_iter().take(20).collect();
        let answer = inner
            .client
            .get_missing_events(server, &room, &earliest, &latest, PAGE)
            .await;
        let objects = answer.unwrap_or_else(|error| {
            tracing::debug!(%server, %error, "missing events were not given");
            Vec::new()
        });
        let before = found.len();
        for event in inner.checker.check_room(objects, version, &room).await {
            if found.len() < MAX_EVENTS {
                found.entry(event.event_id().to_owned()).or_insert(event);
            }
        }
        if found.len() == before {
            server_at += 1;
        }
    }
    Ok(found)
}

/// The events whose previous events are neither here nor among those that were found.
async fn with_unknown_prev(
    inner: &Inner,
    found: &HashMap<OwnedEventId, Pdu>,
    known: &mut HashMap<OwnedEventId, bool>,
) -> Result<Vec<OwnedEventId>> {
    let mut unknown = Vec::new();
    for (id, pdu) in found {
        for prev in pdu.prev_events() {
            if found.contains_key(prev) {
                continue;
            }
            let is_known = match known.get(prev) {
                Some(is_known) => *is_known,
                None => {
                    let is_known = inner.rooms.event(pdu.room_id(), prev).await?.is_some();
                    known.insert(prev.clone(), is_known);
                    is_known
                }
            };
            if !is_known {
                unknown.push(id.clone());
                break;
            }
        }
    }
    Ok(unknown)
}

/// Takes one event in; missing auth events and a missing state are fetched from one server after
/// the other.
async fn take_in(
    inner: &Inner,
    servers: &[OwnedServerName],
    pdu: Pdu,
    arrival: Arrival,
) -> Result<Ingested> {
    let mut ingested = inner.rooms.ingest(pdu.clone(), arrival).await?;
    for server in servers {
        let Ingested::Missing { prev, auth } = &ingested else {
            break;
        };
        if !auth.is_empty() {
            let given = state::fetch_auth(inner, server, &pdu, auth).await;
            if let Err(error) = given {
                tracing::debug!(%server, %error, "auth events were not given");
                continue;
            }
        }
        ingested = if prev.is_empty() {
            inner.rooms.ingest(pdu.clone(), arrival).await?
        } else {
            match state::fetch(inner, server, &pdu).await {
                Ok(given) => {
                    let (state, auth_chain) = given.into_parts();
                    inner
                        .rooms
                        .ingest_with_state(pdu.clone(), arrival, state, auth_chain)
                        .await?
                }
                Err(error) => {
                    tracing::debug!(%server, %error, "the state was not given");
                    continue;
                }
            }
        };
    }
    Ok(ingested)
}

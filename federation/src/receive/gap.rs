//! Fetching what an event refers to, bounded in count, requests and time.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use gantry_model::{
    Pdu,
    id::{OwnedEventId, OwnedServerName, ServerName},
};
use gantry_rooms::{Arrival, GivenState, Ingested};

use super::{Inner, order::by_prev, state};
use crate::{
    Error, Result,
    race::{LONG_PATIENCE, PATIENCE, first_good},
};

/// Events that one event may make us fetch as previous ones.
const MAX_EVENTS: usize = 1_000;
/// Events asked for at once.
const PAGE: usize = 100;
/// Questions for previous events.
const MAX_ROUNDS: usize = 12;
/// Servers that are asked for what one does not give.
const MAX_SERVERS: usize = 4;
/// Events of a gap that a policy server may refuse before the others are not even shown to it.
const MAX_QUESTIONS: usize = 10;
/// Events of a gap for which other servers are asked for auth events and a state. A gap has few edges;
/// one that is all edges would have everybody in the room asked for each of them.
const MAX_CONTEXTS: usize = 20;
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
    let mut questions = MAX_QUESTIONS;
    let mut contexts = MAX_CONTEXTS;
    for event in by_prev(missing) {
        let is_target = event.event_id() == target;
        let arrival = if is_target {
            Arrival::Transaction
        } else {
            Arrival::MissingPrev
        };
        let event_id = event.event_id().to_owned();
        let (event, arrival) = inner.judged(event, arrival, questions > 0).await?;
        if arrival == Arrival::NotRecommended {
            questions = questions.saturating_sub(1);
        }
        let contexts = if is_target { &mut 1 } else { &mut contexts };
        let taken = take_in(inner, &servers, event, arrival, contexts).await;
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
    let mut servers = servers.to_vec();
    for _ in 0..MAX_ROUNDS {
        let latest = with_unknown_prev(inner, &found, &mut known).await?;
        if latest.is_empty() || found.len() >= MAX_EVENTS {
            break;
        }
        let latest: Vec<OwnedEventId> = latest.into_iter().take(20).collect();
        let (earliest, latest, room, found_now) = (&earliest, &latest, &room, &found);
        let ask = |server: OwnedServerName| async move {
            let client = &inner.client;
            let objects = client
                .get_missing_events(&server, room, earliest, latest, PAGE)
                .await?;
            let mut events = inner.checker.check_room(objects, version, room).await;
            events.retain(|event| !found_now.contains_key(event.event_id()));
            if events.is_empty() {
                Err(Error::NotFound("nothing new"))
            } else {
                Ok(events)
            }
        };
        let Ok((_, events)) = first_good(&mut servers, PATIENCE, ask).await else {
            break;
        };
        for event in events {
            if found.len() < MAX_EVENTS {
                found.entry(event.event_id().to_owned()).or_insert(event);
            }
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

/// Takes one event in; missing auth events and a missing state are fetched from whoever gives them,
/// for so many events as `contexts` still allows.
async fn take_in(
    inner: &Inner,
    servers: &[OwnedServerName],
    pdu: Pdu,
    arrival: Arrival,
    contexts: &mut usize,
) -> Result<Ingested> {
    let mut ingested = inner.rooms.ingest(pdu.clone(), arrival).await?;
    if matches!(ingested, Ingested::Missing { .. }) {
        let Some(left) = contexts.checked_sub(1) else {
            return Ok(ingested);
        };
        *contexts = left;
    }
    let mut servers = servers.to_vec();
    // A server that gives something that does not suffice is not asked again.
    while !servers.is_empty()
        && let Ingested::Missing { prev, auth } = &ingested
    {
        let (wants_state, auth, pdu) = (!prev.is_empty(), auth.clone(), &pdu);
        let auth = &auth;
        let ask = |server: OwnedServerName| async move {
            fetch_context(inner, &server, pdu, auth, wants_state).await
        };
        let (server, given) = match first_good(&mut servers, LONG_PATIENCE, ask).await {
            Ok(given) => given,
            Err(error) => {
                tracing::debug!(%error, "what an event refers to was not given");
                break;
            }
        };
        servers.retain(|one| *one != server);
        ingested = match given {
            None => inner.rooms.ingest(pdu.clone(), arrival).await?,
            Some(given) => {
                let rooms = &inner.rooms;
                rooms.ingest_with_state(pdu.clone(), arrival, given).await?
            }
        };
    }
    Ok(ingested)
}

/// Has one server give the auth events that are missing, which are stored, and the state.
async fn fetch_context(
    inner: &Inner,
    server: &ServerName,
    pdu: &Pdu,
    auth: &[OwnedEventId],
    wants_state: bool,
) -> Result<Option<GivenState>> {
    if !auth.is_empty() {
        state::fetch_auth(inner, server, pdu, auth).await?;
    }
    if wants_state {
        state::fetch(inner, server, pdu).await.map(Some)
    } else {
        Ok(None)
    }
}

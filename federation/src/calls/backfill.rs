//! Older events of a room.
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#backfilling-and-retrieving-missing-events>.

use std::{collections::HashSet, sync::Arc, time::Duration};

use gantry_model::{
    Pdu,
    id::{EventId, OwnedEventId, OwnedServerName, RoomId, ServerName},
};
use gantry_rooms::GivenState;

use super::FederationCalls;
use crate::{
    Error, Result,
    race::{PATIENCE, first_good},
    receive::Asker,
};

/// The most events of one question.
const MAX_EVENTS: usize = 100;
/// The most events that a question may start from.
const MAX_FROM: usize = 20;
/// The most servers that are asked.
const MAX_SERVERS: usize = 3;
/// How long all of it may take.
const DEADLINE: Duration = Duration::from_secs(15);

impl FederationCalls {
    /// Asks the servers in a room for `from` and what comes before, and stores as history what
    /// passes the checks. How many events were new.
    pub async fn backfill(
        &self,
        room: &RoomId,
        from: &[OwnedEventId],
        limit: usize,
    ) -> Result<usize> {
        self.require_enabled()?;
        let backfill = self.backfill_from_any(room, from, limit.clamp(1, MAX_EVENTS));
        tokio::time::timeout(DEADLINE, backfill)
            .await
            .unwrap_or(Err(Error::Timeout))
    }

    async fn backfill_from_any(
        &self,
        room: &RoomId,
        from: &[OwnedEventId],
        limit: usize,
    ) -> Result<usize> {
        let from = &from[..from.len().min(MAX_FROM)];
        let mut servers = self.likely_servers(room).await?;
        servers.truncate(MAX_SERVERS);
        let fetch = |server: OwnedServerName| async move {
            self.fetch_history(&server, room, from, limit).await
        };
        match first_good(&mut servers, PATIENCE, fetch).await {
            Ok((_, (pdus, state))) => Ok(self.0.rooms().import_history(room, pdus, state).await?),
            Err(Error::NoServer | Error::NotFound(_)) => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Servers in the room, those of the most powerful users first: they were there early.
    pub(super) async fn likely_servers(&self, room: &RoomId) -> Result<Vec<OwnedServerName>> {
        let Some(view) = self.0.rooms().view(room).await? else {
            return Ok(Vec::new());
        };
        let mut servers: Vec<OwnedServerName> = Vec::new();
        if let Some(create) = view.create() {
            servers.push(create.sender().server_name().to_owned());
        }
        if let Some(levels) = view.state("m.room.power_levels", "")
            && let Some(users) = levels
                .content()
                .get("users")
                .and_then(|users| users.as_object())
        {
            let named = users.keys().filter_map(|user| crate::wire::user_id(user));
            servers.extend(named.map(|user| user.server_name().to_owned()));
        }
        let joined = self.other_servers(room).await?;
        servers.retain(|server| joined.contains(server));
        servers.extend(joined);
        let mut seen = HashSet::new();
        servers.retain(|server| seen.insert(server.clone()));
        Ok(servers)
    }

    /// What a server gives of the history and is new, with the state before it; fails with
    /// [`Error::NotFound`] if there is nothing new.
    async fn fetch_history(
        &self,
        server: &ServerName,
        room: &RoomId,
        from: &[OwnedEventId],
        limit: usize,
    ) -> Result<(Vec<Arc<Pdu>>, Option<GivenState>)> {
        let rooms = self.0.rooms();
        let version = rooms
            .version(room)
            .await?
            .ok_or(Error::NotFound("unknown room"))?;
        let objects = self.0.client().backfill(server, room, from, limit).await?;
        let checked = self.0.checker().check_room(objects, version, room).await;
        let mut pdus = Vec::new();
        for pdu in checked {
            if rooms.event(room, pdu.event_id()).await?.is_none() {
                pdus.push(Arc::new(pdu));
            }
        }
        let Some(oldest) = pdus.iter().min_by_key(|pdu| pdu.depth()) else {
            return Err(Error::NotFound("nothing new"));
        };
        let state = self.state_before(server, oldest).await?;
        Ok((pdus, state))
    }

    /// The state before the oldest event of a piece of history; none before the create event. If
    /// the server does not give it, the events are stored without.
    async fn state_before(&self, server: &ServerName, oldest: &Pdu) -> Result<Option<GivenState>> {
        if oldest.prev_events().is_empty() {
            return Ok(None);
        }
        let asker = Asker {
            rooms: self.0.rooms(),
            client: self.0.client(),
            checker: self.0.checker(),
        };
        match asker.state(server, oldest).await {
            Ok(given) => Ok(Some(given)),
            Err(error @ (Error::Rooms(_) | Error::Accounts(_))) => Err(error),
            Err(error) => {
                let event_id: &EventId = oldest.event_id();
                tracing::info!(%server, %event_id, %error, "history without its state");
                Ok(None)
            }
        }
    }
}

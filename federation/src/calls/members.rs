//! The members of rooms that we have joined without them.
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#joining-rooms>, `omit_members`.

use std::time::Duration;

use gantry_model::{
    Pdu,
    id::{OwnedServerName, RoomId},
};
use gantry_rooms::{PendingJoin, RoomView};

use super::{FederationCalls, MAX_SERVERS};
use crate::{Error, Result, receive::Asker};

/// Rounds of all servers, and the pause after the first one, which doubles. What is left then waits
/// until unfinished joins are looked for again.
const ROUNDS: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

impl FederationCalls {
    /// Begins to fetch the members that are missing in a room; waits for them, but only so long that
    /// nobody notices in a small room.
    pub(super) async fn begin_members(&self, join: PendingJoin) {
        const PATIENCE: Duration = Duration::from_millis(100);
        let calls = self.clone();
        let fetching = self.0.tracker().spawn(async move {
            let (room, user) = (&*join.room_id, &*join.user_id);
            let stop = calls.0.stop().clone();
            let fetched = stop
                .run_until_cancelled(calls.fetch_members(room, &join.servers))
                .await;
            let settled = match fetched {
                Some(Ok(())) => calls.0.rooms().forget_pending_join(user, room).await,
                Some(Err(error)) => {
                    tracing::warn!(%room, %error, "members are still missing");
                    return;
                }
                None => return,
            };
            if let Err(error) = settled {
                tracing::warn!(%room, %error, "a join that has ended is still noted");
            }
        });
        // It goes on, whoever waits.
        tokio::time::timeout(PATIENCE, fetching).await.ok();
    }

    /// Fetches the members that are missing in a room, and makes its state whole.
    ///
    /// # Errors
    ///
    /// [`Error::Busy`] while they are being fetched.
    pub(super) async fn fetch_members(&self, room: &RoomId, via: &[OwnedServerName]) -> Result<()> {
        let Some(_alone) = self.0.completing().begin_alone(room) else {
            return Err(Error::Busy);
        };
        let mut failure = Error::NoServer;
        for round in 0..ROUNDS {
            if round > 0 {
                tokio::time::sleep(PAUSE * 2_u32.pow(round - 1)).await;
            }
            let rooms = self.0.rooms();
            let view = rooms.view(room).await?.filter(RoomView::is_joined_locally);
            let Some((view, join)) = view.zip(rooms.provisional_join(room).await?) else {
                return Ok(());
            };
            for server in self.who_knows(&view, via) {
                match self.complete_with(&server, &join).await {
                    Ok(()) => return Ok(()),
                    Err(error) => {
                        tracing::info!(%server, %room, %error, "the members were not given");
                        failure = error;
                    }
                }
            }
        }
        Err(failure)
    }

    /// Those through whom we joined, then others in the room.
    fn who_knows(&self, view: &RoomView, via: &[OwnedServerName]) -> Vec<OwnedServerName> {
        let mut servers = via.to_vec();
        servers.extend(view.servers().iter().cloned());
        let mut seen = std::collections::HashSet::new();
        servers.retain(|server| server != self.0.us() && seen.insert(server.clone()));
        servers.truncate(MAX_SERVERS);
        servers
    }

    async fn complete_with(&self, server: &OwnedServerName, join: &Pdu) -> Result<()> {
        let asker = Asker {
            rooms: self.0.rooms(),
            client: self.0.client(),
            checker: self.0.checker(),
        };
        // Most of it is what we do not have.
        let given = asker.full_state(server, join).await?;
        Ok(self.0.rooms().complete_join(join.room_id(), given).await?)
    }
}

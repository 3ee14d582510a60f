//! What our use-cases ask of other servers.

mod backfill;
mod ephemeral;
mod handshake;
mod identity;
mod invite;
mod join;
mod knock;
mod leave;
mod members;
mod moment;
mod queries;
mod recommended;
mod unfinished;

pub use identity::{AddressAt, Offer};
pub use queries::{PublicRoomsQuery, RemoteAlias};

use gantry_model::id::{OwnedServerName, RoomId, UserId};

use crate::{Error, Federation, Result};

/// The most servers that are tried for one act.
const MAX_SERVERS: usize = 8;

/// Calls to other servers, each one act. Cheap to clone.
#[derive(Debug, Clone)]
pub struct FederationCalls(Federation);

impl FederationCalls {
    pub(crate) fn new(federation: Federation) -> Self {
        Self(federation)
    }

    /// Whether this server talks to others. If not, every call fails with [`Error::Disabled`].
    pub fn is_enabled(&self) -> bool {
        self.0.config().enabled
    }

    fn require_enabled(&self) -> Result<()> {
        if self.is_enabled() {
            Ok(())
        } else {
            Err(Error::Disabled)
        }
    }

    /// The servers to try for a room: those named, then those of the room's id and of whoever
    /// invited the user; never ourselves, none twice.
    async fn servers_for(
        &self,
        room: &RoomId,
        user: &UserId,
        via: &[OwnedServerName],
    ) -> Result<Vec<OwnedServerName>> {
        let mut servers = via.to_vec();
        for known in self.0.rooms().out_of_band(user).await? {
            if known.room_id == room
                && let Some(sender) = crate::wire::text(&known.event, "sender")
                && let Some(sender) = crate::wire::user_id(sender)
                && sender != user
            {
                servers.push(sender.server_name().to_owned());
            }
        }
        servers.extend(room.server_name().map(ToOwned::to_owned));
        let mut seen = std::collections::HashSet::new();
        servers.retain(|server| server != self.0.us() && seen.insert(server.clone()));
        servers.truncate(MAX_SERVERS);
        if servers.is_empty() {
            Err(Error::NoServer)
        } else {
            Ok(servers)
        }
    }
}

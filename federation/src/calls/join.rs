//! Joining a room through another server.
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#joining-rooms>.

use gantry_model::{
    Object, Pdu, RoomVersion,
    id::{OwnedRoomId, OwnedServerName, RoomId, ServerName, UserId},
};
use gantry_rooms::JoinImport;

use super::{FederationCalls, handshake::finish, more_telling};
use crate::{Error, Result, client::bad, remote::Joined};

impl FederationCalls {
    /// Joins a room that none of our users is in, through one of the servers in `via`, or those
    /// that are known otherwise. `content` is what the user wants in the member event beside the
    /// membership (display name, avatar, reason).
    pub async fn join(
        &self,
        room: &RoomId,
        user: &UserId,
        via: &[OwnedServerName],
        content: Object,
    ) -> Result<OwnedRoomId> {
        self.require_enabled()?;
        let _under_way = self.0.joining().begin(room);
        let mut failure = None;
        for server in self.servers_for(room, user, via).await? {
            match self.join_through(&server, room, user, &content).await {
                Ok(room) => return Ok(room),
                Err(error) => {
                    tracing::info!(%server, %room, %error, "a join did not succeed");
                    failure = Some(more_telling(failure, error));
                }
            }
        }
        Err(failure.unwrap_or(Error::NoServer))
    }

    async fn join_through(
        &self,
        server: &ServerName,
        room: &RoomId,
        user: &UserId,
        content: &Object,
    ) -> Result<OwnedRoomId> {
        let client = self.0.client();
        let template = client.make(server, "make_join", room, user).await?;
        let version = template.version;
        let join = finish(&self.0, server, template, room, user, "join", content)?;
        let joined = client.send_join(server, &join).await?;
        let import = self.check_joined(server, version, join, joined).await?;
        Ok(self.0.rooms().import_join(import).await?)
    }

    /// Checks everything that the other server gave: signatures and hashes of each event, and that
    /// it is the state of that room.
    async fn check_joined(
        &self,
        server: &ServerName,
        version: RoomVersion,
        join: Pdu,
        joined: Joined,
    ) -> Result<JoinImport> {
        let checker = self.0.checker();
        let room = join.room_id().to_owned();
        let state = checker.check_room(joined.state, version, &room).await;
        let auth_chain = checker.check_room(joined.auth_chain, version, &room).await;
        let create = state
            .iter()
            .find(|event| event.is_state("m.room.create", ""))
            .ok_or_else(|| bad(server, "a state without the create event"))?;
        if create.content_str("room_version").unwrap_or("1") != version.as_str() {
            return Err(bad(server, "another room version than it said"));
        }
        let join = match joined.event {
            Some(event) => self.check_returned(server, &join, event).await?,
            None => join,
        };
        let mut servers = joined.servers;
        if !servers.iter().any(|known| known == server) {
            servers.push(server.to_owned());
        }
        Ok(JoinImport {
            version,
            join,
            state,
            auth_chain,
            servers,
        })
    }

    /// Our join as the resident server gave it back: it may have signed it (restricted rooms), and
    /// nothing else.
    async fn check_returned(&self, server: &ServerName, join: &Pdu, event: Object) -> Result<Pdu> {
        let returned = Pdu::parse(event, join.rules().version)?;
        if returned.event_id() != join.event_id() || returned.content() != join.content() {
            return Err(bad(server, "another join than ours"));
        }
        let checked = self.0.checker().check_one(returned).await;
        checked.map_err(|_| bad(server, "a join without the signatures that it needs"))
    }
}

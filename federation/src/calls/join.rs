//! Joining a room through another server.
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#joining-rooms>.

use std::sync::Arc;

use gantry_model::{
    Object, Pdu, RoomVersion,
    id::{OwnedRoomId, OwnedServerName, RoomId, ServerName, UserId},
};
use gantry_rooms::{GivenState, JoinImport, PendingJoin};

use super::{FederationCalls, handshake::finish};
use crate::{
    Error, Result,
    client::bad,
    error::more_telling,
    remote::{Joined, MadeTemplate},
};

impl FederationCalls {
    /// Joins a room that none of our users is in, through one of the servers in `via`, or those
    /// that are known otherwise. `content` is what the user wants in the member event beside the
    /// membership (display name, avatar, reason).
    ///
    /// The join goes on if this future is dropped. One that may have reached another server and
    /// did not come to its end is resumed later (`unfinished.rs`).
    pub async fn join(
        &self,
        room: &RoomId,
        user: &UserId,
        via: &[OwnedServerName],
        content: Object,
    ) -> Result<OwnedRoomId> {
        self.require_enabled()?;
        let wanted = PendingJoin {
            user_id: user.to_owned(),
            room_id: room.to_owned(),
            servers: self.servers_for(room, user, via).await?,
            content,
            since: self.0.clock().now_ms(),
            joined: false,
        };
        let calls = self.clone();
        let join = self.0.tracker().spawn(async move {
            let _under_way = calls.0.joining().begin(&wanted.room_id);
            calls.join_any(&wanted).await
        });
        join.await.unwrap_or(Err(Error::Interrupted))
    }

    /// Joins through one of the servers.
    pub(super) async fn join_any(&self, wanted: &PendingJoin) -> Result<OwnedRoomId> {
        let (room, user) = (&*wanted.room_id, &*wanted.user_id);
        let mut servers = wanted.servers.clone();
        let mut failure: Option<Error> = None;
        let mut is_open = false;
        let failure = loop {
            let (server, template) =
                match self.template("make_join", room, user, &mut servers).await {
                    Ok(made) => made,
                    Err(error) => break more_telling(failure, error),
                };
            match self.join_with(&server, template, wanted).await {
                Ok(room) => {
                    self.settle_join(&room, &server, wanted).await?;
                    return Ok(room);
                }
                Err(error) => {
                    tracing::info!(%server, %room, %error, "a join did not succeed");
                    is_open |= !error.is_refusal();
                    failure = Some(more_telling(failure, error));
                }
            }
        };
        if !is_open {
            self.0.rooms().forget_pending_join(user, room).await?;
        }
        Err(failure)
    }

    /// A join has succeeded: it is done, or members are missing.
    async fn settle_join(
        &self,
        room: &RoomId,
        server: &ServerName,
        wanted: &PendingJoin,
    ) -> Result<()> {
        let rooms = self.0.rooms();
        if rooms.get(room).await?.is_partial() {
            let done = PendingJoin {
                servers: [&[server.to_owned()], &*wanted.servers].concat(),
                joined: true,
                ..wanted.clone()
            };
            rooms.put_pending_join(&done).await?;
            self.begin_members(done).await;
            return Ok(());
        }
        Ok(rooms.forget_pending_join(&wanted.user_id, room).await?)
    }

    async fn join_with(
        &self,
        server: &ServerName,
        template: MadeTemplate,
        wanted: &PendingJoin,
    ) -> Result<OwnedRoomId> {
        let (room, user) = (&*wanted.room_id, &*wanted.user_id);
        let (version, content) = (template.version, &wanted.content);
        let join = finish(&self.0, server, template, room, user, "join", content)?;
        self.0.rooms().put_pending_join(wanted).await?;
        let joined = self.0.client().send_join(server, &join).await?;
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
            given: GivenState {
                state: state.into_iter().map(Arc::new).collect(),
                auth_chain: auth_chain.into_iter().map(Arc::new).collect(),
            },
            servers,
            members_omitted: joined.members_omitted,
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

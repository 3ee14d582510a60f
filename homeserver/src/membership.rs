//! Leaving, inviting, kicking, banning. Joining and knocking: `join.rs`.

use std::sync::Arc;

use gantry_accounts::{InviteVerdict, Session};
use gantry_federation::AddressAt;
use gantry_model::{
    ErrorKind, Object,
    id::{OwnedEventId, OwnedRoomId, OwnedServerName, RoomId, UserId},
};
use gantry_rooms::{Arrival, Ingested, Membership, NewEvent, OutOfBand, OutOfBandKind, RoomView};
use tracing::info;

use crate::{
    Act, Error, Messaging, Result,
    content::{object, str_of},
    core::Core,
    stripped::invite_state,
};

/// The type of the events that are memberships.
pub(crate) const MEMBER: &str = "m.room.member";

/// Joining, leaving, inviting, banning.
#[derive(Clone)]
pub struct MembershipActs {
    pub(crate) core: Arc<Core>,
}

impl MembershipActs {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Leaves a room, rejects an invite or retracts a knock. Whoever has left may leave again.
    pub async fn leave(
        &self,
        session: &Session,
        room: &RoomId,
        reason: Option<String>,
    ) -> Result<()> {
        self.core.leave(&session.user_id, room, reason).await
    }

    /// Invites a user of this or another server.
    pub async fn invite(
        &self,
        session: &Session,
        room: &RoomId,
        user: &UserId,
        reason: Option<String>,
    ) -> Result<()> {
        self.core.may(session, Act::Invite)?;
        let view = self.core.joined_view(&session.user_id, room).await?;
        let standing = view.membership(user);
        if standing == Some(Membership::Join) {
            return Err(Error::forbidden(format!("{user} is already in the room.")));
        }
        let content = self
            .core
            .member_content(user, Membership::Invite, reason)
            .await?;
        if standing == Some(Membership::Invite) {
            // An invite that says the same again would only be noise.
            let before = view.state(MEMBER, user.as_str());
            if before.is_some_and(|before| before.sender() == session.user_id) {
                return Ok(());
            }
        }
        self.core
            .invite(&session.user_id, room, user, content)
            .await
            .map(|_| ())
    }

    /// Invites whoever an address belongs to. If the identity server knows nobody yet, it keeps the
    /// place for whoever proves the address. Only servers that the operator trusts are asked.
    pub async fn invite_by_address(
        &self,
        session: &Session,
        room: &RoomId,
        at: &AddressAt,
    ) -> Result<()> {
        self.core.may(session, Act::Invite)?;
        self.core.require_trusted(at)?;
        let user = &session.user_id;
        let view = self.core.joined_view(user, room).await?;
        let levels = view.power_levels();
        if levels.is_none_or(|levels| levels.for_user(user) < levels.invite()) {
            return Err(Error::forbidden("You may not invite anybody to this room"));
        }
        if let Some(found) = self.core.federation.look_up_address(at).await? {
            return self.invite(session, room, &found, None).await;
        }
        let offer = self.core.federation.store_invite(at, &view, user).await?;
        let kind = "m.room.third_party_invite";
        let event = NewEvent::state(user.clone(), kind, offer.token, offer.content);
        self.core.submit_in(&view, event).await?;
        Ok(())
    }

    /// Removes a user, or takes an invite or a knock back.
    pub async fn kick(
        &self,
        session: &Session,
        room: &RoomId,
        user: &UserId,
        reason: Option<String>,
    ) -> Result<()> {
        let view = self.core.joined_view(&session.user_id, room).await?;
        match self.core.whole(view).await?.membership(user) {
            Some(Membership::Join | Membership::Invite | Membership::Knock) => {}
            Some(Membership::Leave | Membership::Ban) | None => {
                return Err(Error::forbidden("The user is not in the room"));
            }
        }
        self.put(session, room, user, Membership::Leave, reason)
            .await
    }

    /// Bans a user.
    pub async fn ban(
        &self,
        session: &Session,
        room: &RoomId,
        user: &UserId,
        reason: Option<String>,
    ) -> Result<()> {
        let view = self.core.joined_view(&session.user_id, room).await?;
        self.core.whole(view).await?;
        self.put(session, room, user, Membership::Ban, reason).await
    }

    /// Lifts a ban.
    pub async fn unban(
        &self,
        session: &Session,
        room: &RoomId,
        user: &UserId,
        reason: Option<String>,
    ) -> Result<()> {
        let view = self.core.joined_view(&session.user_id, room).await?;
        if self.core.whole(view).await?.membership(user) != Some(Membership::Ban) {
            return Err(Error::forbidden("The user is not banned"));
        }
        self.put(session, room, user, Membership::Leave, reason)
            .await
    }

    /// Takes a room that the user has left out of his sight.
    pub async fn forget(&self, session: &Session, room: &RoomId) -> Result<()> {
        let row = self
            .core
            .rooms
            .membership_of(&session.user_id, room)
            .await?;
        match row.map(|row| row.membership) {
            Some(Membership::Leave | Membership::Ban) => {
                Ok(self.core.rooms.forget(&session.user_id, room).await?)
            }
            Some(Membership::Join | Membership::Invite | Membership::Knock) => Err(Error::refused(
                ErrorKind::WrongState,
                format!("You are still in {room}"),
            )),
            None => Ok(()),
        }
    }

    /// The rooms that the user is in.
    pub async fn joined_rooms(&self, session: &Session) -> Result<Vec<OwnedRoomId>> {
        let rows = self.core.rooms.memberships(&session.user_id).await?;
        let joined = rows
            .into_iter()
            .filter(|row| row.membership == Membership::Join);
        Ok(joined.map(|row| row.room_id).collect())
    }

    async fn put(
        &self,
        session: &Session,
        room: &RoomId,
        user: &UserId,
        membership: Membership,
        reason: Option<String>,
    ) -> Result<()> {
        let mut content = object([("membership", membership.as_str().into())]);
        if let Some(reason) = reason {
            content.insert("reason", reason.into());
        }
        let event = NewEvent::state(session.user_id.clone(), MEMBER, user.as_str(), content);
        self.core.submit(room, event).await?;
        Ok(())
    }
}

impl Messaging {
    /// Sets a membership as a state event: the act that it means, with the content that was given.
    pub(crate) async fn put_member(
        &self,
        session: &Session,
        room: &RoomId,
        state_key: &str,
        content: Object,
    ) -> Result<OwnedEventId> {
        let user = UserId::parse(state_key).map_err(|_| Error::invalid("Not a user id"))?;
        if str_of(&content, "membership") == Some("invite") {
            self.core.joined_view(&session.user_id, room).await?;
            return self
                .core
                .invite(&session.user_id, room, &user, content)
                .await;
        }
        let view = match self.core.rooms.view(room).await? {
            Some(view) if user != session.user_id => Some(self.core.whole(view).await?),
            view => view,
        };
        let standing = view.as_ref().and_then(|view| view.state(MEMBER, state_key));
        if let Some(standing) = standing
            && *standing.content() == content
        {
            return Ok(standing.event_id().to_owned());
        }
        let event = NewEvent::state(session.user_id.clone(), MEMBER, state_key, content);
        Ok(self.core.submit(room, event).await?.event_id)
    }
}

impl Core {
    /// Fails unless the operator trusts the identity server that is to look an address up.
    pub(crate) fn require_trusted(&self, at: &AddressAt) -> Result<()> {
        match self.federation.trusts_identity_server(&at.id_server) {
            true => Ok(()),
            false => Err(Error::refused(
                ErrorKind::ServerNotTrusted,
                "This server does not work with that identity server",
            )),
        }
    }

    /// Invites a user: here by an event, elsewhere with the signature of his server on it.
    pub(crate) async fn invite(
        &self,
        sender: &UserId,
        room: &RoomId,
        user: &UserId,
        content: Object,
    ) -> Result<OwnedEventId> {
        let event = NewEvent::state(sender.to_owned(), MEMBER, user.as_str(), content);
        if let Some(view) = self.rooms.view(room).await? {
            self.whole(view).await?;
        }
        if self.is_local(user) {
            if self.accounts.invite_verdict(user, sender).await? == InviteVerdict::Block {
                return Err(Error::refused(
                    ErrorKind::InviteBlocked,
                    "This user takes no invites",
                ));
            }
            return Ok(self.submit(room, event).await?.event_id);
        }
        let view = self.rooms.get(room).await?;
        let draft = self.rooms.draft(room, event).await?;
        let draft = self.federation.recommend(&view, draft).await?;
        let signed = self.federation.invite(&draft, invite_state(&view)).await?;
        let id = signed.event_id().to_owned();
        match self.rooms.ingest(signed, Arrival::Local).await? {
            Ingested::Accepted(_) | Ingested::Known => Ok(id),
            Ingested::Rejected(_) | Ingested::SoftFailed | Ingested::Missing { .. } => {
                // The room moved on while the other server signed.
                Err(Error::forbidden("The invite is not allowed any more"))
            }
        }
    }

    /// Leaves a room, rejects an invite or retracts a knock.
    pub(crate) async fn leave(
        &self,
        user: &UserId,
        room: &RoomId,
        reason: Option<String>,
    ) -> Result<()> {
        if let Some(outside) = self.rooms.out_of_band_of(user, room).await?
            && outside.kind != OutOfBandKind::Gone
        {
            return self
                .leave_outside(user, room, &outside, reason.as_deref())
                .await;
        }
        let view = self.rooms.view(room).await?;
        match view.as_ref().and_then(|view| view.membership(user)) {
            None => Err(Error::not_found("You are not in this room")),
            Some(Membership::Leave) => Ok(()),
            Some(Membership::Ban) => Err(Error::forbidden("You are banned from this room")),
            Some(Membership::Join | Membership::Invite | Membership::Knock) => {
                let mut content = object([("membership", "leave".into())]);
                if let Some(reason) = reason {
                    content.insert("reason", reason.into());
                }
                let event = NewEvent::state(user.to_owned(), MEMBER, user.as_str(), content);
                self.submit(room, event).await?;
                Ok(())
            }
        }
    }

    /// Ends an invite or a knock of a room that we are not in. That the other server cannot be
    /// told does not keep the user in it.
    async fn leave_outside(
        &self,
        user: &UserId,
        room: &RoomId,
        outside: &OutOfBand,
        reason: Option<&str>,
    ) -> Result<()> {
        let via = self.servers_of(room, Some(outside), None);
        if let Err(error) = self.federation.leave(room, user, &via, reason).await {
            info!(room.id = %room, %error, "an invite was rejected on this server only");
        }
        Ok(self.rooms.remove_out_of_band(user, room).await?)
    }

    /// The servers through which a room that we are not in can be reached: that of whoever invited,
    /// those that were in it when we left, and the one that made it.
    pub(crate) fn servers_of(
        &self,
        room: &RoomId,
        outside: Option<&OutOfBand>,
        view: Option<&RoomView>,
    ) -> Vec<OwnedServerName> {
        let inviter = outside
            .and_then(|outside| str_of(&outside.event, "sender"))
            .and_then(|sender| UserId::parse(sender).ok())
            .map(|sender| sender.server_name().to_owned());
        let known = view.map(RoomView::servers).unwrap_or_default();
        let maker = room.server_name().map(ToOwned::to_owned);
        let mut servers: Vec<OwnedServerName> = Vec::new();
        for server in inviter
            .into_iter()
            .chain(known.iter().cloned())
            .chain(maker)
        {
            if server != self.server_name() && !servers.contains(&server) {
                servers.push(server);
            }
        }
        servers
    }
}

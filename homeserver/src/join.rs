//! Joining and knocking.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#joining-rooms>.

use gantry_accounts::Session;
use gantry_model::{
    ErrorKind, Object, Value,
    id::{OwnedRoomId, OwnedServerName, OwnedUserId, RoomId, RoomOrAliasId, UserId},
};
use gantry_rooms::{Membership, NewEvent, RoomView};

use crate::{Act, Error, MembershipActs, Result, content::str_of, core::Core, membership::MEMBER};

/// The most servers that are tried.
const MAX_VIA: usize = 20;
/// The most rooms of an allow list that are looked at.
const MAX_ALLOWED: usize = 50;

/// Who may vouch for a join to a restricted room.
enum Voucher {
    /// The rule asks for nobody, or the user is invited.
    NotNeeded,
    /// This local user.
    User(OwnedUserId),
    /// Nobody here; another server may know somebody.
    Elsewhere,
}

impl MembershipActs {
    /// Joins a room, through another server if this one is not in it. Whoever is in it stays.
    pub async fn join(
        &self,
        session: &Session,
        target: &RoomOrAliasId,
        via: Vec<OwnedServerName>,
        reason: Option<String>,
    ) -> Result<OwnedRoomId> {
        self.core.may(session, Act::Join)?;
        let (room, via) = self.located(target, via).await?;
        self.core.rooms.require_open(&room).await?;
        if session.guest {
            self.check_guest(&room).await?;
        }
        let room = self.core.join(&session.user_id, &room, via, reason).await?;
        self.core.carry_over_joined(&session.user_id, &room).await;
        Ok(room)
    }

    /// Asks to be let into a room.
    pub async fn knock(
        &self,
        session: &Session,
        target: &RoomOrAliasId,
        via: Vec<OwnedServerName>,
        reason: Option<String>,
    ) -> Result<OwnedRoomId> {
        self.core.may(session, Act::Join)?;
        let (room, mut via) = self.located(target, via).await?;
        self.core.rooms.require_open(&room).await?;
        let user = &session.user_id;
        let content = self
            .core
            .member_content(user, Membership::Knock, reason)
            .await?;
        let view = self.core.rooms.view(&room).await?;
        if let Some(view) = view.as_ref().filter(|view| view.is_joined_locally()) {
            let event = NewEvent::state(user.clone(), MEMBER, user.as_str(), content);
            self.core.submit_in(view, event).await?;
            return Ok(room);
        }
        via.extend(self.core.servers_of(&room, None, view.as_ref()));
        Ok(self
            .core
            .federation
            .knock(&room, user, &distinct(via), content)
            .await?)
    }

    /// Brings a user into a room by the rights of somebody who is in it: a local one joins, invited
    /// if the room asks for that; one of another server is invited.
    pub async fn join_as_local(
        &self,
        session: &Session,
        room: &RoomId,
        user: &UserId,
    ) -> Result<()> {
        let view = self.core.joined_view(&session.user_id, room).await?;
        let standing = view.membership(user);
        if standing == Some(Membership::Join) {
            return Ok(());
        }
        let is_local = self.core.is_local(user);
        let is_open = is_local && view.join_rule() == "public";
        if standing != Some(Membership::Invite) && !is_open {
            let content = self
                .core
                .member_content(user, Membership::Invite, None)
                .await?;
            self.core
                .invite(&session.user_id, room, user, content)
                .await?;
        }
        if is_local {
            self.core
                .join(user, room, Vec::new(), None)
                .await
                .map(|_| ())
        } else {
            Ok(())
        }
    }

    /// Joins a local user to a room that he may join, on behalf of a surface that acts for him.
    pub async fn join_local(&self, user: &UserId, room: &RoomId) -> Result<()> {
        if !self.core.is_local(user) {
            return Err(Error::invalid("Not a user of this server"));
        }
        self.core
            .join(user, room, Vec::new(), None)
            .await
            .map(|_| ())
    }

    /// The room, and the servers to go through.
    async fn located(
        &self,
        target: &RoomOrAliasId,
        via: Vec<OwnedServerName>,
    ) -> Result<(OwnedRoomId, Vec<OwnedServerName>)> {
        match <&RoomId>::try_from(target) {
            Ok(room) => Ok((room.to_owned(), via)),
            Err(alias) => {
                let resolved = self.core.resolve(alias).await?;
                Ok((
                    resolved.room_id,
                    resolved.servers.into_iter().chain(via).collect(),
                ))
            }
        }
    }

    async fn check_guest(&self, room: &RoomId) -> Result<()> {
        match self.core.rooms.view(room).await? {
            Some(view) if view.guest_access() != "can_join" => {
                let kind = ErrorKind::GuestAccessForbidden;
                Err(Error::refused(kind, "Guest access not allowed"))
            }
            _ => Ok(()),
        }
    }
}

impl Core {
    /// Joins a local user.
    pub(crate) async fn join(
        &self,
        user: &UserId,
        room: &RoomId,
        via: Vec<OwnedServerName>,
        reason: Option<String>,
    ) -> Result<OwnedRoomId> {
        let view = self.rooms.view(room).await?;
        let mut content = self.member_content(user, Membership::Join, reason).await?;
        let Some(view) = view.filter(RoomView::is_joined_locally) else {
            return self.join_elsewhere(user, room, via, content).await;
        };
        if view.membership(user) == Some(Membership::Join) {
            return Ok(room.to_owned());
        }
        match self.voucher(user, &view).await? {
            Voucher::NotNeeded => {}
            Voucher::User(voucher) => {
                let key = "join_authorised_via_users_server".to_owned();
                content.insert(key, voucher.as_str().into());
            }
            Voucher::Elsewhere => return self.join_elsewhere(user, room, via, content).await,
        }
        let event = NewEvent::state(user.to_owned(), MEMBER, user.as_str(), content);
        self.submit(room, event).await?;
        Ok(room.to_owned())
    }

    async fn join_elsewhere(
        &self,
        user: &UserId,
        room: &RoomId,
        mut via: Vec<OwnedServerName>,
        mut content: Object,
    ) -> Result<OwnedRoomId> {
        // Before another server is asked for anything.
        self.rooms.require_open(room).await?;
        let outside = self.rooms.out_of_band_of(user, room).await?;
        let view = self.rooms.view(room).await?;
        via.extend(self.servers_of(room, outside.as_ref(), view.as_ref()));
        via.retain(|server| server != self.server_name());
        let via = distinct(via);
        if via.is_empty() {
            return Err(Error::not_found("No known servers of this room"));
        }
        content.remove("membership");
        Ok(self.federation.join(room, user, &via, content).await?)
    }

    /// Who may vouch for the user's join by the room's rule.
    async fn voucher(&self, user: &UserId, view: &RoomView) -> Result<Voucher> {
        let is_restricted = view.rules().restricted
            && matches!(view.join_rule().as_str(), "restricted" | "knock_restricted");
        if !is_restricted || view.membership(user) == Some(Membership::Invite) {
            return Ok(Voucher::NotNeeded);
        }
        let mut knows_all = true;
        for allowed in allowed_rooms(view) {
            match self
                .rooms
                .view(&allowed)
                .await?
                .filter(RoomView::is_joined_locally)
            {
                Some(room) if room.membership(user) == Some(Membership::Join) => {
                    let voucher = self.may_invite(view);
                    return Ok(voucher.map_or(Voucher::Elsewhere, Voucher::User));
                }
                Some(_) => {}
                None => knows_all = false,
            }
        }
        let has_others = view
            .servers()
            .iter()
            .any(|server| server != self.server_name());
        if knows_all || !has_others {
            Err(Error::forbidden(
                "You do not belong to any of the required rooms or spaces to join this room.",
            ))
        } else {
            Ok(Voucher::Elsewhere)
        }
    }

    /// A local user in the room who may invite.
    fn may_invite(&self, view: &RoomView) -> Option<OwnedUserId> {
        let levels = view.power_levels()?;
        let mut local: Vec<_> = view
            .joined()
            .into_iter()
            .filter(|user| self.is_local(user))
            .collect();
        // The same one each time: the strongest, then by name.
        local.sort_by(|a, b| {
            levels
                .for_user(b)
                .cmp(&levels.for_user(a))
                .then_with(|| a.cmp(b))
        });
        local
            .into_iter()
            .next()
            .filter(|user| levels.for_user(user) >= levels.invite())
    }
}

/// The rooms whose members may join.
pub(crate) fn allowed_rooms(view: &RoomView) -> Vec<OwnedRoomId> {
    let Some(rules) = view.state("m.room.join_rules", "") else {
        return Vec::new();
    };
    allowed_in(rules.content())
}

fn allowed_in(content: &Object) -> Vec<OwnedRoomId> {
    let allow = content
        .get("allow")
        .and_then(Value::as_array)
        .unwrap_or_default();
    allow
        .iter()
        .filter_map(Value::as_object)
        .filter(|condition| str_of(condition, "type") == Some("m.room_membership"))
        .filter_map(|condition| OwnedRoomId::try_from(str_of(condition, "room_id")?).ok())
        .take(MAX_ALLOWED)
        .collect()
}

/// Each server once, in order, not too many.
fn distinct(via: Vec<OwnedServerName>) -> Vec<OwnedServerName> {
    let mut servers = Vec::new();
    for server in via {
        if servers.len() < MAX_VIA && !servers.contains(&server) {
            servers.push(server);
        }
    }
    servers
}

#[cfg(test)]
mod tests {
    use gantry_model::canonical_json::parse_object;

    use super::*;

    #[test]
    fn only_conditions_of_membership_allow() {
        let content = parse_object(
            br#"{"allow":[{"type":"m.room_membership","room_id":"!a:b"},
                {"type":"other","room_id":"!c:d"},{"type":"m.room_membership"},5]}"#,
        )
        .expect("an object");

        assert_eq!(allowed_in(&content), ["!a:b"]);
    }

    #[test]
    fn each_server_is_tried_once() {
        let server = |name: &str| OwnedServerName::try_from(name).expect("a server name");

        assert_eq!(
            distinct(vec![server("a"), server("b"), server("a")]),
            ["a", "b"]
        );
    }
}

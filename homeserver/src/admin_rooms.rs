//! What administrators may do with rooms.
//!
//! The forms are those of <https://element-hq.github.io/synapse/latest/admin_api/rooms.html>.

use std::sync::Arc;

use gantry_accounts::Session;
use gantry_model::{
    Pdu,
    id::{OwnedRoomId, OwnedUserId, RoomId, UserId},
};
use gantry_rooms::{Block, ListedRoom, Membership, RoomView};

use crate::{Administration, Error, Result, administration::require_admin, core::Core};

/// The most rooms of which a list looks at the state.
const MAX_LOOKED_AT: usize = 2_000;

/// A room as administrators see it.
#[derive(Debug, Clone)]
pub struct AdminRoom {
    /// The room.
    pub room_id: OwnedRoomId,
    /// Its name.
    pub name: Option<String>,
    /// Its topic.
    pub topic: Option<String>,
    /// Its picture.
    pub avatar: Option<String>,
    /// Its canonical alias.
    pub canonical_alias: Option<String>,
    /// How many are in it.
    pub joined_members: u64,
    /// How many of them are ours.
    pub joined_local_members: u64,
    /// Its version.
    pub version: String,
    /// Who made it.
    pub creator: Option<OwnedUserId>,
    /// How it is encrypted.
    pub encryption: Option<String>,
    /// Whether other servers may be in it.
    pub federatable: bool,
    /// Whether the directory shows it.
    pub public: bool,
    /// Its join rule.
    pub join_rules: String,
    /// Its rule for guests.
    pub guest_access: String,
    /// Who may read what came before him.
    pub history_visibility: String,
    /// How many state events hold.
    pub state_events: u64,
    /// Its type.
    pub room_type: Option<String>,
}

/// Which rooms are wanted, and in which order.
#[derive(Debug, Clone, Default)]
pub struct AdminRooms {
    /// How many are passed over.
    pub from: usize,
    /// The most that are given; 100 without it.
    pub limit: Option<usize>,
    /// A part of the name or alias, or the whole room id.
    pub search_term: Option<String>,
    /// What they are ordered by; the name without it.
    pub order_by: Option<String>,
    /// Whether the order is turned around.
    pub backward: bool,
}

impl Administration {
    /// A page of rooms, and how many there are in all.
    pub async fn rooms(
        &self,
        session: &Session,
        query: &AdminRooms,
    ) -> Result<(Vec<AdminRoom>, usize)> {
        require_admin(session)?;
        let mut listed = self.core.rooms.list().await?;
        let total = listed.len();
        let limit = query.limit.unwrap_or(100).min(1_000);
        if query.is_listed_order() {
            query.sort_listed(&mut listed);
            let page = listed.into_iter().skip(query.from).take(limit);
            return Ok((self.described(page).await?, total));
        }
        // Names are not in the list: of many rooms only those that changed last are looked at.
        listed.sort_by_key(|room| std::cmp::Reverse(room.updated_at));
        let is_bound = total > MAX_LOOKED_AT;
        let mut found = self
            .described(listed.into_iter().take(MAX_LOOKED_AT))
            .await?;
        found.retain(|room| query.fits(room));
        query.sort(&mut found);
        let total = match query.search_term {
            None if is_bound => total,
            _ => found.len(),
        };
        let page = found.into_iter().skip(query.from).take(limit);
        Ok((page.collect(), total))
    }

    /// What administrators see of these rooms. Those that nobody uses leave memory again.
    async fn described(&self, listed: impl Iterator<Item = ListedRoom>) -> Result<Vec<AdminRoom>> {
        let rooms = &self.core.rooms;
        let mut described = Vec::new();
        for room in listed {
            let was_in_use = rooms.is_in_use(&room.room_id);
            if let Some(view) = rooms.view(&room.room_id).await? {
                described.push(self.core.admin_room(&view).await?);
            }
            if !was_in_use {
                rooms.evict_room(&room.room_id);
            }
        }
        Ok(described)
    }

    /// One room.
    pub async fn room(&self, session: &Session, room: &RoomId) -> Result<AdminRoom> {
        require_admin(session)?;
        self.core.admin_room(&self.view_of(room).await?).await
    }

    /// Who is in a room.
    pub async fn room_members(&self, session: &Session, room: &RoomId) -> Result<Vec<OwnedUserId>> {
        require_admin(session)?;
        Ok(self.view_of(room).await?.joined())
    }

    /// The state of a room.
    pub async fn room_state(&self, session: &Session, room: &RoomId) -> Result<Vec<Arc<Pdu>>> {
        require_admin(session)?;
        Ok(self.view_of(room).await?.full_state())
    }

    /// The rooms that a user is in.
    pub async fn joined_rooms(&self, session: &Session, user: &UserId) -> Result<Vec<OwnedRoomId>> {
        require_admin(session)?;
        if self.core.is_local(user) {
            self.account(user).await?;
            let rows = self.core.rooms.memberships(user).await?.into_iter();
            let joined = rows.filter(|row| row.membership == Membership::Join);
            return Ok(joined.map(|row| row.room_id).collect());
        }
        Err(Error::not_found("User not found"))
    }

    /// The block that closes a room to the users of this server, if there is one.
    pub async fn room_block(&self, session: &Session, room: &RoomId) -> Result<Option<Block>> {
        require_admin(session)?;
        Ok(self.core.rooms.block_of(room).await?)
    }

    /// Closes a room to the users of this server, or opens it; it need not be known.
    pub async fn set_room_block(
        &self,
        session: &Session,
        room: &RoomId,
        block: bool,
    ) -> Result<()> {
        require_admin(session)?;
        let rooms = &self.core.rooms;
        if block {
            rooms.block(room, Some(&session.user_id)).await?;
        } else {
            rooms.unblock(room).await?;
        }
        Ok(())
    }

    /// Brings a local user into a room, by the rights of the administrator where the room asks for
    /// an invite.
    pub async fn join_user(&self, session: &Session, room: &RoomId, user: &UserId) -> Result<()> {
        require_admin(session)?;
        self.account(user).await?;
        let acts = crate::MembershipActs::new(self.core.clone());
        let view = self.core.rooms.view(room).await?;
        let is_inside = view
            .as_ref()
            .is_some_and(|view| view.membership(&session.user_id) == Some(Membership::Join));
        if is_inside {
            acts.join_as_local(session, room, user).await
        } else {
            acts.join_local(user, room).await
        }
    }

    pub(crate) async fn view_of(&self, room: &RoomId) -> Result<RoomView> {
        let view = self.core.rooms.view(room).await?;
        view.ok_or_else(|| Error::not_found("Room not found"))
    }
}

impl Core {
    async fn admin_room(&self, view: &RoomView) -> Result<AdminRoom> {
        let create = view.create();
        let content = create.as_ref().map(|create| create.content());
        let federatable = content
            .and_then(|content| content.get("m.federate"))
            .and_then(gantry_model::Value::as_bool)
            .unwrap_or(true);
        let joined = view.joined();
        Ok(AdminRoom {
            room_id: view.room_id().to_owned(),
            name: view.name(),
            topic: view.topic(),
            avatar: view.avatar(),
            canonical_alias: view.canonical_alias(),
            joined_members: joined.len() as u64,
            joined_local_members: joined.iter().filter(|user| self.is_local(user)).count() as u64,
            version: view.version().to_string(),
            creator: create.as_ref().map(|create| create.sender().to_owned()),
            encryption: view.text("m.room.encryption", "algorithm"),
            federatable,
            public: self.rooms.is_published(view.room_id()).await?,
            join_rules: view.join_rule(),
            guest_access: view.guest_access(),
            history_visibility: view.history_visibility(),
            state_events: view.full_state().len() as u64,
            room_type: view.room_type(),
        })
    }
}

impl AdminRooms {
    /// Whether the list of rooms is enough to find and order what is asked for.
    fn is_listed_order(&self) -> bool {
        let by = self.order_by.as_deref();
        self.search_term.is_none() && matches!(by, Some("joined_members" | "size" | "version"))
    }

    fn sort_listed(&self, rooms: &mut [ListedRoom]) {
        match self.order_by.as_deref() {
            Some("version") => rooms.sort_by(|a, b| a.version.cmp(&b.version)),
            _ => rooms.sort_by_key(|room| std::cmp::Reverse(room.counts.joined)),
        }
        if self.backward {
            rooms.reverse();
        }
    }

    fn fits(&self, room: &AdminRoom) -> bool {
        let Some(term) = self.search_term.as_deref().map(str::to_lowercase) else {
            return true;
        };
        room.room_id.as_str().to_lowercase() == term
            || [&room.name, &room.canonical_alias]
                .into_iter()
                .flatten()
                .any(|text| text.to_lowercase().contains(&term))
    }

    fn sort(&self, rooms: &mut [AdminRoom]) {
        let name = |room: &AdminRoom| {
            let name = room.name.clone().or_else(|| room.canonical_alias.clone());
            (
                name.unwrap_or_default().to_lowercase(),
                room.room_id.clone(),
            )
        };
        rooms.sort_by_key(name);
        match self.order_by.as_deref() {
            Some("joined_members" | "size") => {
                rooms.sort_by_key(|room| std::cmp::Reverse(room.joined_members));
            }
            Some("joined_local_members") => {
                rooms.sort_by_key(|room| std::cmp::Reverse(room.joined_local_members));
            }
            Some("state_events") => {
                rooms.sort_by_key(|room| std::cmp::Reverse(room.state_events));
            }
            Some("version") => rooms.sort_by(|a, b| a.version.cmp(&b.version)),
            Some("creator") => rooms.sort_by(|a, b| a.creator.cmp(&b.creator)),
            _ => {}
        }
        if self.backward {
            rooms.reverse();
        }
    }
}

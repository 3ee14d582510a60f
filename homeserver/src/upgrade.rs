//! Moving a room to another version: a new room that looks like the old one, and a sign in the old
//! one that points to it.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#room-upgrades>.

use std::collections::BTreeSet;

use gantry_accounts::Session;
use gantry_model::{
    ErrorKind, Object, RoomVersion,
    id::{OwnedRoomId, OwnedUserId, RoomId, UserId},
};
use gantry_rooms::{Membership, NewEvent, RoomView};
use tracing::warn;

use crate::{Act, Creation, Error, Result, content::text, upgrade_events::UpgradeEvents};

/// The content of the sign, for clients that do not know it.
const REPLACED: &str = "This room has been replaced";

/// Where a room shall go.
#[derive(Debug, Clone, Default)]
pub struct UpgradeRoom {
    /// The new version.
    pub new_version: String,
    /// Who else is a creator of the new room, from version 12 on.
    pub additional_creators: Vec<OwnedUserId>,
}

impl Creation {
    /// Upgrades a room: whoever may send its tombstone may. The answer is the new room.
    pub async fn upgrade_room(
        &self,
        session: &Session,
        room: &RoomId,
        wish: UpgradeRoom,
    ) -> Result<OwnedRoomId> {
        self.core.may(session, Act::CreateRoom)?;
        let user = &session.user_id;
        let version = parse_version(&wish.new_version)?;
        let view = self.core.joined_view(user, room).await?;
        check_level(&view, user)?;
        let new = self.replacement(user, &view, version, &wish).await?;
        let tombstone = crate::content::object([
            ("body", REPLACED.into()),
            ("replacement_room", new.as_str().into()),
        ]);
        self.state(user, room, "m.room.tombstone", tombstone)
            .await?;
        // The room is upgraded. What cannot be moved along is no reason to say it was not.
        if let Err(error) = self.move_names(user, &view, &new).await {
            warn!(room.id = %room, %error, "the names of an upgraded room were not moved");
        }
        if let Err(error) = self.quiet(user, &view).await {
            warn!(room.id = %room, %error, "an upgraded room stays open for messages");
        }
        self.core.carry_over_all(&view, &new).await;
        Ok(new)
    }

    async fn replacement(
        &self,
        user: &UserId,
        view: &RoomView,
        version: RoomVersion,
        wish: &UpgradeRoom,
    ) -> Result<OwnedRoomId> {
        let core = &self.core;
        let member = core.member_content(user, Membership::Join, None).await?;
        let more: BTreeSet<_> = wish.additional_creators.iter().cloned().collect();
        let events = UpgradeEvents {
            user,
            old: view,
            rules: version.rules(),
            additional_creators: more,
        };
        let create = events.create_content()?;
        let created = core
            .rooms
            .create(version, user, create, events.after_create(member));
        match created.await {
            Ok(room) => Ok(room),
            Err(gantry_rooms::Error::Rejected(rejection)) => {
                let reason = format!("The room's state does not fit the new version: {rejection}");
                Err(Error::refused(ErrorKind::InvalidRoomState, reason))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Aliases of this server and the place in the directory go to the new room.
    async fn move_names(&self, user: &UserId, old: &RoomView, new: &RoomId) -> Result<()> {
        let (rooms, room) = (&self.core.rooms, old.room_id());
        for alias in rooms.aliases_of(room).await? {
            let Some(standing) = rooms.alias(&alias).await? else {
                continue;
            };
            rooms.remove_alias(&alias).await?;
            rooms.set_alias(&alias, new, &standing.creator).await?;
        }
        if rooms.is_published(room).await? {
            rooms.publish(new).await?;
            rooms.unpublish(room).await?;
        }
        if let Some(canonical) = old.state("m.room.canonical_alias", "") {
            let content = canonical.content().clone();
            self.state(user, new, canonical.kind(), content).await?;
            self.state(user, room, canonical.kind(), Object::new())
                .await?;
        }
        Ok(())
    }

    /// From now on only those of higher level speak and invite in the old room.
    async fn quiet(&self, user: &UserId, old: &RoomView) -> Result<()> {
        let Some(standing) = old.state("m.room.power_levels", "") else {
            return Ok(());
        };
        let mut content = standing.content().clone();
        let level = |content: &Object, key: &str| {
            content
                .get(key)
                .and_then(gantry_model::Value::as_int)
                .unwrap_or(0)
        };
        let restricted = (level(&content, "users_default") + 1).max(50);
        for key in ["events_default", "invite"] {
            if level(&content, key) < restricted {
                content.insert(key.to_owned(), restricted.into());
            }
        }
        if content == *standing.content() {
            return Ok(());
        }
        self.state(user, old.room_id(), standing.kind(), content)
            .await
    }

    async fn state(&self, user: &UserId, room: &RoomId, kind: &str, content: Object) -> Result<()> {
        let event = NewEvent::state(user.to_owned(), kind, "", content);
        self.core.submit(room, event).await?;
        Ok(())
    }
}

fn parse_version(text: &str) -> Result<RoomVersion> {
    text.parse().map_err(|_| {
        let reason = format!("Room version {text} is not supported");
        Error::refused(ErrorKind::UnsupportedRoomVersion, reason)
    })
}

fn check_level(view: &RoomView, user: &UserId) -> Result<()> {
    let may = view.power_levels().is_some_and(|levels| {
        levels.for_user(user) >= levels.required_for("m.room.tombstone", true)
    });
    if may {
        Ok(())
    } else {
        Err(Error::forbidden("You cannot upgrade this room"))
    }
}

/// The pointer from a new room to the old one.
pub(crate) fn predecessor(old: &RoomId) -> Object {
    text("room_id", old.as_str())
}

//! Making and joining rooms.

use gantry_homeserver::workspace::{self, RoomKind};
use gantry_homeserver::{CreateRoom, Preset, Session, Visibility};
use gantry_model::id::{OwnedUserId, RoomId, RoomOrAliasId, UserId};
use gantry_model::{ErrorKind, Object};

use super::ShownRoom;
use crate::error::{Error, Result};
use crate::map::{ROOM_TYPE, RoomType, is_room_name};
use crate::state::RocketchatState;

/// The most users that a new room begins with.
const MAX_MEMBERS: usize = 1_000;

/// The most users of a direct room, the one who makes it among them.
const MAX_DIRECT: usize = 8;

/// A channel or group to make.
#[derive(Clone, Debug)]
pub(crate) struct NewRoom {
    pub(crate) name: String,
    /// Whether everybody may join.
    pub(crate) public: bool,
    /// The user names of those who are brought in.
    pub(crate) members: Vec<String>,
    pub(crate) topic: Option<String>,
    /// Whether only the one who makes it may write.
    pub(crate) read_only: bool,
}

impl RocketchatState {
    /// Makes a channel or group. Its name is unique on the server.
    pub(crate) async fn create_room(&self, session: &Session, new: NewRoom) -> Result<ShownRoom> {
        if !is_room_name(&new.name) {
            let reason = format!("'{}' is not a valid room name", new.name);
            return Err(Error::new("error-invalid-room-name", reason));
        }
        if new.members.len() > MAX_MEMBERS {
            return Err(Error::new("error-invalid-params", "Too many members"));
        }
        let names = &self.homeserver().workspace;
        let taken = || {
            let reason = format!("A channel with name '{}' exists", new.name);
            Error::new("error-duplicate-channel-name", reason)
        };
        let reservation =
            names
                .reserve_room_name(&new.name)
                .await
                .map_err(|error| match error {
                    workspace::Error::NameTaken => taken(),
                    error => error.into(),
                })?;
        let wish = self.wish(&new);
        let made = match self.homeserver().creation.create_room(session, wish).await {
            Ok(room) => room,
            Err(error) => {
                names.release_room_name(reservation).await?;
                return Err(match error.kind() {
                    ErrorKind::RoomInUse => taken(),
                    _ => error.into(),
                });
            }
        };
        let kind = if new.public {
            RoomKind::Channel
        } else {
            RoomKind::Group
        };
        names.ensure_rc_room(&made, kind, &[]).await?;
        names.confirm_room_name(reservation, &made).await?;
        for member in &new.members {
            self.bring_in(session, &made, member).await?;
        }
        self.shown(&made).await
    }

    /// The direct room of the user with others, made if there is none.
    pub(crate) async fn direct_room(
        &self,
        session: &Session,
        usernames: &[String],
    ) -> Result<(ShownRoom, bool)> {
        if usernames.is_empty() || usernames.len() >= MAX_DIRECT {
            return Err(Error::new(
                "error-invalid-params",
                "error-direct-message-max-user-exceeded",
            ));
        }
        let mut others: Vec<OwnedUserId> = Vec::new();
        for name in usernames {
            let user = self
                .get_user(name)
                .await
                .map_err(|error| match error.status.as_u16() {
                    400 => Error::new("error-invalid-user", "Invalid user"),
                    _ => error,
                })?;
            if user != session.user_id && !others.contains(&user) {
                others.push(user);
            }
        }
        let wish = CreateRoom {
            preset: Some(Preset::TrustedPrivateChat),
            is_direct: true,
            invite: others.clone(),
            creation_content: declared("d"),
            room_version: Some(self.config().default_room_version.clone()),
            ..CreateRoom::default()
        };
        let creation = &self.homeserver().creation;
        let direct = creation.direct_room_like(session, &others, wish).await?;
        let mut members: Vec<&UserId> = vec![&session.user_id];
        members.extend(others.iter().map(|other| &**other));
        let workspace = &self.homeserver().workspace;
        workspace
            .ensure_rc_room(&direct.room_id, RoomKind::Direct, &members)
            .await?;
        for other in others
            .iter()
            .filter(|other| other.server_name() == self.server())
        {
            self.homeserver()
                .membership
                .join_local(other, &direct.room_id)
                .await?;
        }
        Ok((self.shown(&direct.room_id).await?, direct.created))
    }

    /// Joins a room that the user may join.
    pub(crate) async fn join(&self, session: &Session, room: &ShownRoom) -> Result<ShownRoom> {
        let target: &RoomOrAliasId = room.view.room_id().into();
        let acts = &self.homeserver().membership;
        let joined = acts.join(session, target, Vec::new(), None).await?;
        self.shown(&joined).await
    }

    /// Leaves a room.
    pub(crate) async fn leave(&self, session: &Session, room: &ShownRoom) -> Result<()> {
        if room.room_type == RoomType::Direct {
            return Err(Error::not_allowed());
        }
        Ok(self
            .homeserver()
            .membership
            .leave(session, room.view.room_id(), None)
            .await?)
    }

    /// Brings a user into a room: ours joins, one of another server is invited.
    pub(crate) async fn bring_in(
        &self,
        session: &Session,
        room: &RoomId,
        username: &str,
    ) -> Result<()> {
        // Names that nobody has are passed over, as clients expect.
        let Ok(user) = self.get_user(username).await else {
            return Ok(());
        };
        Ok(self
            .homeserver()
            .membership
            .join_as_local(session, room, &user)
            .await?)
    }

    /// A room as it is now.
    pub(crate) async fn shown(&self, room: &RoomId) -> Result<ShownRoom> {
        let view = self.homeserver().feed.view(room).await?;
        self.show(view.ok_or_else(|| Error::no_room("\"roomId\""))?)
            .await
    }

    fn wish(&self, new: &NewRoom) -> CreateRoom {
        let (preset, visibility, kind) = if new.public {
            (Preset::PublicChat, Visibility::Public, "c")
        } else {
            (Preset::PrivateChat, Visibility::Private, "p")
        };
        CreateRoom {
            preset: Some(preset),
            visibility,
            room_version: Some(self.config().default_room_version.clone()),
            creation_content: declared(kind),
            power_level_content_override: new
                .read_only
                .then(|| Object::from([("events_default".to_owned(), 50.into())])),
            name: Some(new.name.clone()),
            topic: new.topic.clone(),
            alias_localpart: new.public.then(|| new.name.clone()),
            ..CreateRoom::default()
        }
    }
}

fn declared(kind: &str) -> Object {
    Object::from([(ROOM_TYPE.to_owned(), kind.into())])
}

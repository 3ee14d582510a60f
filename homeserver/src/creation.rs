//! New rooms.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom>.

use std::sync::Arc;

use gantry_accounts::Session;
use gantry_model::{
    ErrorKind, Object, RoomVersion,
    id::{OwnedRoomAliasId, OwnedRoomId, OwnedUserId, RoomAliasId},
};
use gantry_rooms::Membership;
use tracing::warn;

use crate::{
    Act, AddressAt, Error, MembershipActs, Result,
    core::Core,
    creation_events::{create_content, first_events},
};

/// The most users that are invited at once.
const MAX_INVITES: usize = 100;
/// The most events of initial state.
const MAX_INITIAL_STATE: usize = 500;

/// New rooms.
#[derive(Clone)]
pub struct Creation {
    pub(crate) core: Arc<Core>,
}

/// A wish for a room.
#[derive(Debug, Clone, Default)]
pub struct CreateRoom {
    /// The settings it begins with; by its visibility if there is none.
    pub preset: Option<Preset>,
    /// Whether the public directory shows it.
    pub visibility: Visibility,
    /// The room version; the server's default if there is none.
    pub room_version: Option<String>,
    /// More content of the create event.
    pub creation_content: Object,
    /// Takes the place of power levels, key by key.
    pub power_level_content_override: Option<Object>,
    /// State that takes the place of the preset's.
    pub initial_state: Vec<InitialState>,
    /// The name.
    pub name: Option<String>,
    /// The topic.
    pub topic: Option<String>,
    /// The local part of an alias.
    pub alias_localpart: Option<String>,
    /// Who is invited.
    pub invite: Vec<OwnedUserId>,
    /// Who is invited by address, through identity servers that the operator trusts.
    pub invite_by_address: Vec<AddressAt>,
    /// Whether the invites say that it is a direct chat.
    pub is_direct: bool,
}

/// State of a new room.
#[derive(Debug, Clone)]
pub struct InitialState {
    /// The event type.
    pub kind: String,
    /// The state key.
    pub state_key: String,
    /// The content.
    pub content: Object,
}

/// The settings that a room begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// By invite; guests too.
    PrivateChat,
    /// Open to everybody.
    PublicChat,
    /// By invite, and all who are invited have the creator's rights.
    TrustedPrivateChat,
}

/// Whether the public directory shows a room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Visibility {
    /// It does.
    Public,
    /// It does not.
    #[default]
    Private,
}

impl CreateRoom {
    /// The preset that holds.
    pub(crate) fn effective_preset(&self) -> Preset {
        self.preset.unwrap_or(match self.visibility {
            Visibility::Public => Preset::PublicChat,
            Visibility::Private => Preset::PrivateChat,
        })
    }
}

impl Creation {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Makes a room with all its first events in one, then invites. That somebody could not be
    /// invited does not undo the room.
    pub async fn create_room(&self, session: &Session, wish: CreateRoom) -> Result<OwnedRoomId> {
        self.core.may(session, Act::CreateRoom)?;
        check_size(&wish)?;
        for at in &wish.invite_by_address {
            self.core.require_trusted(at)?;
        }
        let version = self.version(&wish)?;
        let alias = self.free_alias(&wish).await?;
        if let Some(alias) = &alias {
            self.core.check_alias_not_claimed(session, alias)?;
        }
        let user = &session.user_id;
        let member = self
            .core
            .member_content(user, Membership::Join, None)
            .await?;
        let create = create_content(&wish, user, version.rules())?;
        let events = first_events(&wish, user, version.rules(), member, alias.as_deref());
        let room = match self.core.rooms.create(version, user, create, events).await {
            Ok(room) => room,
            Err(gantry_rooms::Error::Rejected(rejection)) => {
                let reason = format!("The initial state is not allowed: {rejection}");
                return Err(Error::refused(ErrorKind::InvalidRoomState, reason));
            }
            Err(error) => return Err(error.into()),
        };
        if let Some(alias) = &alias
            && !self.core.rooms.set_alias(alias, &room, user).await?
        {
            return Err(alias_taken());
        }
        if wish.visibility == Visibility::Public {
            self.core.rooms.publish(&room).await?;
        }
        self.invite_all(session, &room, &wish).await;
        Ok(room)
    }

    fn version(&self, wish: &CreateRoom) -> Result<RoomVersion> {
        let Some(text) = &wish.room_version else {
            return Ok(self.core.config.default_room_version);
        };
        text.parse().map_err(|_| {
            let reason = format!("Room version {text} is not supported");
            Error::refused(ErrorKind::UnsupportedRoomVersion, reason)
        })
    }

    async fn free_alias(&self, wish: &CreateRoom) -> Result<Option<OwnedRoomAliasId>> {
        let Some(localpart) = &wish.alias_localpart else {
            return Ok(None);
        };
        if localpart.is_empty() || localpart.contains([':', '#', '\0']) {
            return Err(Error::invalid("Invalid characters in room alias"));
        }
        let alias = RoomAliasId::parse(format!("#{localpart}:{}", self.core.server_name()))
            .map_err(|_| Error::invalid("Not a room alias"))?;
        self.core.check_own_alias(&alias)?;
        match self.core.rooms.alias(&alias).await? {
            Some(_) => Err(alias_taken()),
            None => Ok(Some(alias)),
        }
    }

    async fn invite_all(&self, session: &Session, room: &OwnedRoomId, wish: &CreateRoom) {
        let sender = &session.user_id;
        for user in wish.invite.iter().filter(|user| *user != sender) {
            let content = self
                .core
                .member_content(user, Membership::Invite, None)
                .await;
            let invited = match content {
                Ok(mut content) => {
                    if wish.is_direct {
                        content.insert("is_direct", true.into());
                    }
                    self.core.invite(sender, room, user, content).await
                }
                Err(error) => Err(error),
            };
            if let Err(error) = invited {
                warn!(room.id = %room, user.id = %user, %error, "a user could not be invited");
            }
        }
        let acts = MembershipActs::new(Arc::clone(&self.core));
        for at in &wish.invite_by_address {
            if let Err(error) = acts.invite_by_address(session, room, at).await {
                warn!(room.id = %room, %error, "somebody could not be invited by address");
            }
        }
    }
}

fn check_size(wish: &CreateRoom) -> Result<()> {
    if wish.invite.len() + wish.invite_by_address.len() > MAX_INVITES {
        return Err(Error::invalid("Too many invites"));
    }
    if wish.initial_state.len() > MAX_INITIAL_STATE {
        return Err(Error::invalid("Too much initial state"));
    }
    Ok(())
}

fn alias_taken() -> Error {
    Error::refused(ErrorKind::RoomInUse, "Room alias already taken")
}

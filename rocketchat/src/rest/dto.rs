//! Bodies of requests and answers.

use gantry_homeserver::LoginSecret;
use serde::{Deserialize, Serialize};

use crate::calls::Credentials;
use crate::dto::message::Message;
use crate::dto::room::Room;
use crate::dto::subscription::Subscription;
use crate::dto::user::{Me, User, UserRef};
use crate::error::{Error, Result};

/// The body of a login.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct LoginBody {
    user: Option<LoginName>,
    username: Option<String>,
    email: Option<String>,
    password: Option<Password>,
    resume: Option<String>,
}

/// A user name as REST has it, or as DDP.
#[derive(Deserialize)]
#[serde(untagged)]
enum LoginName {
    Text(String),
    Named {
        #[serde(default)]
        username: Option<String>,
        #[serde(default)]
        email: Option<String>,
    },
}

/// A password, or its digest.
#[derive(Deserialize)]
#[serde(untagged)]
enum Password {
    Plain(String),
    Digest { digest: String, algorithm: String },
}

impl std::fmt::Debug for LoginName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LoginName(..)")
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(..)")
    }
}

impl LoginBody {
    /// What the client shows.
    pub(crate) fn credentials(self) -> Result<Credentials> {
        if let Some(token) = self.resume {
            return Ok(Credentials::Resume(token));
        }
        let named = match self.user {
            Some(LoginName::Text(name)) => Some(name),
            Some(LoginName::Named { username, email }) => username.or(email),
            None => None,
        };
        let user = named
            .or(self.username)
            .or(self.email)
            .filter(|user| !user.is_empty());
        let secret = match self.password {
            Some(Password::Plain(text)) => Some(LoginSecret::Plain(text)),
            Some(Password::Digest { digest, algorithm }) if algorithm == "sha-256" => {
                Some(LoginSecret::Sha256Hex(digest))
            }
            Some(Password::Digest { .. }) | None => None,
        };
        match (user, secret) {
            (Some(user), Some(secret)) => Ok(Credentials::Password { user, secret }),
            _ => Err(Error::wrong_credentials()),
        }
    }
}

/// `users.register`.
#[derive(Deserialize)]
pub(crate) struct RegisterBody {
    pub(crate) username: String,
    pub(crate) pass: String,
    #[serde(default)]
    pub(crate) name: Option<String>,
}

/// `channels.create`, `groups.create`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateBody {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) members: Vec<String>,
    #[serde(default)]
    pub(crate) read_only: bool,
    #[serde(default)]
    pub(crate) extra_data: ExtraData,
}

/// What else a new room begins with.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ExtraData {
    #[serde(default)]
    pub(crate) topic: Option<String>,
}

/// `im.create`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DirectBody {
    username: Option<String>,
    usernames: Option<String>,
}

impl DirectBody {
    /// With whom.
    pub(crate) fn usernames(self) -> Result<Vec<String>> {
        let list = self
            .usernames
            .or(self.username)
            .ok_or_else(|| Error::missing("username"))?;
        let names = list
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        Ok(names.map(str::to_owned).collect())
    }
}

/// A room, where nothing else is needed.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RoomBody {
    pub(crate) room_id: Option<String>,
    pub(crate) room_name: Option<String>,
}

/// A room and a user.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RoomUserBody {
    #[serde(flatten)]
    pub(crate) room: RoomBody,
    pub(crate) user_id: Option<String>,
    pub(crate) username: Option<String>,
}

/// `chat.sendMessage`.
#[derive(Debug, Deserialize)]
pub(crate) struct SendBody {
    pub(crate) message: SentMessage,
}

/// A message that a client sends, also over DDP.
#[derive(Debug, Deserialize)]
pub(crate) struct SentMessage {
    #[serde(rename = "_id", default)]
    pub(crate) id: Option<String>,
    pub(crate) rid: String,
    #[serde(default)]
    pub(crate) msg: String,
    #[serde(default)]
    pub(crate) tmid: Option<String>,
    #[serde(default)]
    pub(crate) tshow: bool,
    /// Only the server makes system messages.
    #[serde(default)]
    pub(crate) t: Option<String>,
}

/// `chat.postMessage`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PostBody {
    pub(crate) room_id: Option<OneOrMany>,
    pub(crate) channel: Option<OneOrMany>,
    pub(crate) text: Option<String>,
    pub(crate) tmid: Option<String>,
    pub(crate) tshow: bool,
}

/// One text, or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    /// The first.
    pub(crate) fn first(&self) -> Option<&str> {
        match self {
            Self::One(text) => Some(text),
            Self::Many(texts) => texts.first().map(String::as_str),
        }
    }
}

/// `chat.update`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UpdateBody {
    pub(crate) room_id: String,
    pub(crate) msg_id: String,
    pub(crate) text: String,
}

/// `chat.delete`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeleteBody {
    pub(crate) room_id: String,
    pub(crate) msg_id: String,
}

/// `chat.react`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReactBody {
    #[serde(alias = "reaction")]
    pub(crate) emoji: String,
    pub(crate) message_id: String,
    #[serde(default)]
    pub(crate) should_react: Option<bool>,
}

/// `subscriptions.read`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ReadBody {
    pub(crate) rid: Option<String>,
    pub(crate) room_id: Option<String>,
}

/// `/api/info`.
#[derive(Serialize)]
pub(crate) struct Info {
    pub(crate) version: String,
    pub(crate) info: FullInfo,
}

/// The version once more, where administrators look for it.
#[derive(Serialize)]
pub(crate) struct FullInfo {
    pub(crate) version: String,
}

/// A login, or a logout.
#[derive(Serialize)]
pub(crate) struct StatusReply<T> {
    pub(crate) status: &'static str,
    pub(crate) data: T,
}

/// What a login gives.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LoginData {
    pub(crate) user_id: String,
    pub(crate) auth_token: String,
    pub(crate) me: Me,
}

/// What a logout says.
#[derive(Serialize)]
pub(crate) struct LogoutData {
    pub(crate) message: &'static str,
}

/// A user.
#[derive(Serialize)]
pub(crate) struct UserReply {
    pub(crate) user: User,
}

/// A room, called as its family of calls does.
#[derive(Default, Serialize)]
pub(crate) struct RoomReply {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) channel: Option<Room>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<Room>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) room: Option<Room>,
}

/// A new direct room.
#[derive(Serialize)]
pub(crate) struct DirectReply {
    pub(crate) room: DirectRoomDto,
}

/// A direct room with its id by two names.
#[derive(Serialize)]
pub(crate) struct DirectRoomDto {
    pub(crate) rid: String,
    pub(crate) inserted: bool,
    #[serde(flatten)]
    pub(crate) room: Room,
}

/// A page of rooms, called as its family of calls does.
#[derive(Default, Serialize)]
pub(crate) struct RoomsPage {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) channels: Option<Vec<Room>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) groups: Option<Vec<Room>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ims: Option<Vec<Room>>,
    #[serde(flatten)]
    pub(crate) page: PageOf,
}

/// Which page of how many items it is.
#[derive(Clone, Copy, Default, Serialize)]
pub(crate) struct PageOf {
    pub(crate) count: usize,
    pub(crate) offset: usize,
    pub(crate) total: usize,
}

/// Messages, without a page.
#[derive(Serialize)]
pub(crate) struct MessagesReply {
    pub(crate) messages: Vec<Message>,
}

/// A page of messages.
#[derive(Serialize)]
pub(crate) struct MessagesPage {
    pub(crate) messages: Vec<Message>,
    #[serde(flatten)]
    pub(crate) page: PageOf,
}

/// A page of members.
#[derive(Serialize)]
pub(crate) struct MembersPage {
    pub(crate) members: Vec<User>,
    #[serde(flatten)]
    pub(crate) page: PageOf,
}

/// A page of users.
#[derive(Serialize)]
pub(crate) struct UsersPage {
    pub(crate) users: Vec<User>,
    #[serde(flatten)]
    pub(crate) page: PageOf,
}

/// A message.
#[derive(Serialize)]
pub(crate) struct MessageReply {
    pub(crate) message: Message,
}

/// A message that was posted.
#[derive(Serialize)]
pub(crate) struct PostReply {
    pub(crate) ts: i64,
    pub(crate) channel: String,
    pub(crate) message: Message,
}

/// A message that was deleted.
#[derive(Serialize)]
pub(crate) struct DeleteReply {
    #[serde(rename = "_id")]
    pub(crate) id: String,
    /// Milliseconds as text: so it is in this one place.
    pub(crate) ts: String,
    pub(crate) message: DeletedMessage,
}

/// What is left of a deleted message.
#[derive(Serialize)]
pub(crate) struct DeletedMessage {
    #[serde(rename = "_id")]
    pub(crate) id: String,
    pub(crate) rid: String,
    pub(crate) u: UserRef,
}

/// What changed and what is gone.
#[derive(Serialize)]
pub(crate) struct Changes<T> {
    pub(crate) update: Vec<T>,
    pub(crate) remove: Vec<Removed>,
}

/// Something that is gone.
#[derive(Serialize)]
pub(crate) struct Removed {
    #[serde(rename = "_id")]
    pub(crate) id: String,
}

/// A subscription, or none.
#[derive(Serialize)]
pub(crate) struct SubscriptionReply {
    pub(crate) subscription: Option<Subscription>,
}

//! Users.

use gantry_homeserver::workspace::rc_user_id;
use gantry_homeserver::{Account, Session};
use gantry_model::ErrorKind;
use gantry_model::id::{OwnedUserId, UserId};

use super::ShownRoom;
use super::documents::member_name;
use crate::dto::user::{Me, PasswordService, Services, Settings, User};
use crate::error::{Error, Result};
use crate::map::{Date, user_of, username};
use crate::state::RocketchatState;

impl RocketchatState {
    /// A user by his Rocket.Chat id.
    pub(crate) async fn user_by_id(&self, id: &str) -> Result<User> {
        let user = self.homeserver().workspace.user_of_rc_id(id).await?;
        self.user(&user.ok_or_else(Error::no_user)?).await
    }

    /// A user by his user name.
    pub(crate) async fn user_by_name(&self, name: &str) -> Result<User> {
        self.user(&user_of(name, self.server()).ok_or_else(Error::no_user)?)
            .await
    }

    /// A user of this server by name, who exists, or one of another, who may.
    pub(crate) async fn get_user(&self, name: &str) -> Result<OwnedUserId> {
        let user = user_of(name, self.server()).ok_or_else(Error::no_user)?;
        let is_ours = user.server_name() == self.server();
        if is_ours && self.homeserver().sessions.account(&user).await?.is_none() {
            return Err(Error::no_user());
        }
        Ok(user)
    }

    async fn user(&self, user: &UserId) -> Result<User> {
        if user.server_name() == self.server() {
            let account = self.homeserver().sessions.account(user).await?;
            return self.local_user(account.ok_or_else(Error::no_user)?).await;
        }
        let name = match self.homeserver().profiles.profile(user).await {
            Ok(profile) => profile.displayname,
            // Somebody who was seen here exists, also while his server does not answer.
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(Error::no_user()),
            Err(_) => None,
        };
        let id = self.homeserver().workspace.ensure_rc_user(user).await?;
        Ok(self.shape(id, user, name))
    }

    /// The document of an account.
    pub(crate) async fn local_user(&self, account: Account) -> Result<User> {
        let id = self
            .homeserver()
            .workspace
            .ensure_rc_user(&account.user_id)
            .await?;
        let mut user = self.shape(id, &account.user_id, account.display_name);
        user.active = !account.deactivated;
        user.created_at = Some(Date(account.created_ts));
        user.updated_at = Some(Date(account.created_ts));
        user.roles = if account.admin {
            vec!["user", "admin"]
        } else {
            vec!["user"]
        };
        Ok(user)
    }

    /// The user of a session as he sees himself.
    pub(crate) async fn me(&self, session: &Session) -> Result<Me> {
        let account = self.homeserver().sessions.account(&session.user_id).await?;
        let account = account.ok_or_else(Error::unauthenticated)?;
        let exists = account.has_password;
        let user = self.local_user(account).await?;
        Ok(Me {
            avatar_url: format!("{}/avatar/{}", self.config().site_url, user.username),
            status_connection: user.status,
            status_default: user.status,
            user,
            emails: Vec::new(),
            custom_fields: Default::default(),
            settings: Settings::default(),
            services: Services {
                password: PasswordService { exists },
            },
            require_password_change: false,
        })
    }

    /// The members of a room, sorted by name.
    pub(crate) async fn members(&self, room: &ShownRoom) -> Result<Vec<User>> {
        let mut members = Vec::new();
        for user in room.view.joined() {
            let id = self.homeserver().workspace.ensure_rc_user(&user).await?;
            members.push(self.shape(id, &user, member_name(&room.view, &user)));
        }
        members.sort_by(|one, other| one.username.cmp(&other.username));
        Ok(members)
    }

    fn shape(&self, id: String, user: &UserId, name: Option<String>) -> User {
        debug_assert_eq!(id, rc_user_id(user));
        let username = username(user, self.server());
        User {
            id,
            name: name.unwrap_or_else(|| username.clone()),
            username,
            status: "online",
            utc_offset: 0,
            active: true,
            r#type: "user",
            roles: vec!["user"],
            created_at: None,
            updated_at: None,
            federated: user.server_name() != self.server(),
        }
    }
}

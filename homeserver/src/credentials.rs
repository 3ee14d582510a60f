//! Acts for which the password is asked again.

use gantry_accounts::{Secret, Session};
use gantry_model::ErrorKind;
use gantry_rooms::{Membership, NewEvent};
use tracing::warn;

use crate::{
    AuthData, Result, Sessions, Uia, UiaChallenge,
    content::text,
    registration::check_password,
    uia::{Attempt, PASSWORD},
};

/// A wish for a new password.
#[derive(Debug, Clone)]
pub struct ChangePassword {
    /// The new password.
    pub new_password: String,
    /// End all other sessions.
    pub logout_devices: bool,
    /// The client's authentication.
    pub auth: Option<AuthData>,
}

impl Sessions {
    /// Changes the password, once the old one was given.
    pub async fn change_password(
        &self,
        session: &Session,
        request: ChangePassword,
    ) -> Result<Uia<()>> {
        check_password(Some(&request.new_password))?;
        if let Some(challenge) = self.ask_password(session, request.auth.as_ref()).await? {
            return Ok(Uia::Needed(challenge));
        }
        self.core
            .accounts
            .set_password(&session.user_id, &request.new_password)
            .await?;
        if request.logout_devices {
            for device in self.core.accounts.devices(&session.user_id).await? {
                if device.device_id != session.device_id {
                    let id = &device.device_id;
                    self.core
                        .accounts
                        .delete_device(&session.user_id, id)
                        .await?;
                }
            }
        }
        self.core.authenticated(request.auth.as_ref());
        Ok(Uia::Done(()))
    }

    /// Ends the account for good, once the password was given. The user leaves all rooms.
    pub async fn deactivate(&self, session: &Session, auth: Option<AuthData>) -> Result<Uia<()>> {
        if let Some(challenge) = self.ask_password(session, auth.as_ref()).await? {
            return Ok(Uia::Needed(challenge));
        }
        self.leave_everything(session).await?;
        self.core.accounts.deactivate(&session.user_id).await?;
        self.core.authenticated(auth.as_ref());
        Ok(Uia::Done(()))
    }

    /// Asks for the password of the session's user: `None` if it was given.
    pub(crate) async fn ask_password(
        &self,
        session: &Session,
        auth: Option<&AuthData>,
    ) -> Result<Option<UiaChallenge>> {
        let error = match self.core.attempt(auth)? {
            Attempt::None => None,
            Attempt::Stage(PASSWORD, data) => {
                if self.password_fits(session, data).await? {
                    return Ok(None);
                }
                Some((ErrorKind::Forbidden, "Invalid password".to_owned()))
            }
            Attempt::Stage(..) => Some((ErrorKind::InvalidParam, "Unknown stage".to_owned())),
        };
        Ok(Some(self.core.challenge(PASSWORD, auth, error)))
    }

    async fn password_fits(&self, session: &Session, auth: &AuthData) -> Result<bool> {
        let user = &session.user_id;
        let is_own = auth
            .named_user()
            .is_none_or(|named| named == user.as_str() || named == user.localpart());
        let Some(password) = auth.password.as_deref().filter(|_| is_own) else {
            return Ok(false);
        };
        Ok(self
            .core
            .accounts
            .verify_password(user, Secret::Plain(password))
            .await?)
    }

    /// Leaves all rooms that can be left; one that cannot does not keep the account alive.
    async fn leave_everything(&self, session: &Session) -> Result<()> {
        for row in self.core.rooms.memberships(&session.user_id).await? {
            if row.membership != Membership::Join {
                continue;
            }
            let leave = NewEvent::state(
                session.user_id.clone(),
                "m.room.member",
                session.user_id.as_str(),
                text("membership", "leave"),
            );
            if let Err(error) = self.core.rooms.submit(&row.room_id, leave).await {
                warn!(room.id = %row.room_id, %error, "a deactivated user could not leave");
            }
        }
        Ok(())
    }
}

//! Acts for which a user is asked again who he is: another password, the end of the account.

use gantry_accounts::{EmailPurpose, Session};
use gantry_model::{
    ErrorKind,
    id::{OwnedUserId, UserId},
};
use gantry_rooms::Membership;
use tracing::warn;

use crate::{
    Error, Result, Sessions, Uia, UiaChallenge, UiaRequest,
    core::Core,
    registration::check_password,
    uia::{Checked, EMAIL, Flows, Guard, PASSWORD, Proven},
};

/// A wish for a new password.
#[derive(Debug, Clone)]
pub struct ChangePassword {
    /// The new password.
    pub new_password: String,
    /// End all other sessions.
    pub logout_devices: bool,
    /// The client's authentication.
    pub auth: UiaRequest,
}

/// A wish for the end of an account.
#[derive(Debug, Clone, Default)]
pub struct Deactivate {
    /// Whether others shall not be given the user's events any more.
    pub erase: bool,
    /// The client's authentication.
    pub auth: UiaRequest,
}

impl Sessions {
    /// Changes the password, once the old one was given, or an e-mail address of the account was
    /// proven; without a session only by the latter.
    pub async fn change_password(
        &self,
        session: Option<&Session>,
        request: ChangePassword,
    ) -> Result<Uia<()>> {
        check_password(Some(&request.new_password))?;
        let guard = Guard {
            request: &request.auth,
            user: session.map(|session| &*session.user_id),
            flows: self.password_flows(session)?,
            email: Some(EmailPurpose::Password),
        };
        let proven = match self.core.guard(guard).await? {
            Checked::Passed(proven) => proven,
            Checked::Challenge(challenge) => return Ok(Uia::Needed(challenge)),
        };
        let user = self.whose(session, &proven).await?;
        let accounts = &self.core.accounts;
        accounts.set_password(&user, &request.new_password).await?;
        if request.logout_devices {
            let kept = session.map(|session| &session.device_id);
            for device in accounts.devices(&user).await? {
                if Some(&device.device_id) != kept {
                    accounts.delete_device(&user, &device.device_id).await?;
                }
            }
        }
        self.core.served(&request.auth).await?;
        Ok(Uia::Done(()))
    }

    /// Ends the account for good, once the password was given. The user leaves all rooms.
    pub async fn deactivate(
        &self,
        session: Option<&Session>,
        request: Deactivate,
    ) -> Result<Uia<()>> {
        let is_appservice = session.is_some_and(|session| session.appservice.is_some());
        let user = match session {
            Some(session) if is_appservice => session.user_id.clone(),
            _ => {
                let guard = Guard {
                    request: &request.auth,
                    user: session.map(|session| &*session.user_id),
                    flows: vec![vec![PASSWORD]],
                    email: None,
                };
                let proven = match self.core.guard(guard).await? {
                    Checked::Passed(proven) => proven,
                    Checked::Challenge(challenge) => return Ok(Uia::Needed(challenge)),
                };
                self.whose(session, &proven).await?
            }
        };
        self.core.end_account(&user, request.erase).await?;
        self.core.served(&request.auth).await?;
        Ok(Uia::Done(()))
    }

    /// Asks for the password of the session's user: `None` if it was given.
    pub(crate) async fn ask_password(
        &self,
        session: &Session,
        request: &UiaRequest,
    ) -> Result<Option<UiaChallenge>> {
        let guard = Guard {
            request,
            user: Some(&session.user_id),
            flows: vec![vec![PASSWORD]],
            email: None,
        };
        Ok(match self.core.guard(guard).await? {
            Checked::Passed(_) => None,
            Checked::Challenge(challenge) => Some(challenge),
        })
    }

    fn password_flows(&self, session: Option<&Session>) -> Result<Flows> {
        match (session.is_some(), self.core.mailer.is_some()) {
            (true, true) => Ok(vec![vec![PASSWORD], vec![EMAIL]]),
            (true, false) => Ok(vec![vec![PASSWORD]]),
            (false, true) => Ok(vec![vec![EMAIL]]),
            (false, false) => Err(Error::refused(
                ErrorKind::MissingToken,
                "Missing access token",
            )),
        }
    }

    /// The user that a client proved to be: whose address it is, whose password, whose session.
    async fn whose(&self, session: Option<&Session>, proven: &Proven) -> Result<OwnedUserId> {
        let other = || Error::forbidden("This is another user's");
        let shown = match &proven.email {
            Some(email) => {
                let address = &email.address;
                let owner = self.core.accounts.threepid_owner("email", address).await?;
                owner.ok_or_else(|| {
                    let reason = "No account has this address";
                    Error::refused(ErrorKind::ThreepidNotFound, reason)
                })?
            }
            None => proven.user.clone().ok_or_else(other)?,
        };
        match session {
            Some(session) if session.user_id != shown => Err(other()),
            _ => Ok(shown),
        }
    }
}

impl Core {
    /// Ends an account: its user leaves all rooms, and nobody can log in to it any more.
    pub(crate) async fn end_account(&self, user: &UserId, erase: bool) -> Result<()> {
        self.leave_everything(user).await?;
        self.accounts.deactivate(user).await?;
        if erase {
            self.accounts.set_erased(user, true).await?;
        }
        Ok(())
    }

    /// Leaves all rooms that can be left, and rejects all invites; a room that cannot be left does
    /// not keep the account alive.
    async fn leave_everything(&self, user: &UserId) -> Result<()> {
        let inside = self.rooms.memberships(user).await?.into_iter();
        let inside = inside.filter(|row| match row.membership {
            Membership::Join | Membership::Invite | Membership::Knock => true,
            Membership::Leave | Membership::Ban => false,
        });
        let outside = self.rooms.out_of_band(user).await?.into_iter();
        let rooms = inside
            .map(|row| row.room_id)
            .chain(outside.map(|one| one.room_id));
        for room in rooms {
            if let Err(error) = self.leave(user, &room, None).await {
                warn!(room.id = %room, %error, "a deactivated user could not leave");
            }
        }
        Ok(())
    }
}

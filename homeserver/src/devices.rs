//! The devices of a user.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#device-management>.

use gantry_accounts::{Device, Session};
use gantry_model::id::{DeviceId, OwnedDeviceId};

use crate::{Error, Result, Sessions, Uia, UiaRequest};

/// The most devices that one request deletes.
const MAX_DELETED: usize = 1_000;

impl Sessions {
    /// The user's devices.
    pub async fn devices(&self, session: &Session) -> Result<Vec<Device>> {
        Ok(self.core.accounts.devices(&session.user_id).await?)
    }

    /// One device of the user.
    pub async fn device(&self, session: &Session, device: &DeviceId) -> Result<Device> {
        self.core
            .accounts
            .device(&session.user_id, device)
            .await?
            .ok_or_else(|| Error::not_found("No such device"))
    }

    /// Changes what a device is called; `None` leaves it.
    pub async fn rename_device(
        &self,
        session: &Session,
        device: &DeviceId,
        name: Option<String>,
    ) -> Result<()> {
        self.device(session, device).await?;
        match name {
            None => Ok(()),
            name => Ok(self
                .core
                .accounts
                .rename_device(&session.user_id, device, name)
                .await?),
        }
    }

    /// Deletes devices and their sessions, once the password was given. Unknown ones are passed
    /// over.
    pub async fn delete_devices(
        &self,
        session: &Session,
        devices: Vec<OwnedDeviceId>,
        auth: &UiaRequest,
    ) -> Result<Uia<()>> {
        if devices.len() > MAX_DELETED {
            return Err(Error::invalid("Too many devices"));
        }
        // An application service has no password to give for its users.
        if session.appservice.is_none()
            && let Some(challenge) = self.ask_password(session, auth).await?
        {
            return Ok(Uia::Needed(challenge));
        }
        for device in &devices {
            if self
                .core
                .accounts
                .device(&session.user_id, device)
                .await?
                .is_some()
            {
                self.core
                    .accounts
                    .delete_device(&session.user_id, device)
                    .await?;
            }
        }
        self.core.served(auth).await?;
        Ok(Uia::Done(()))
    }
}

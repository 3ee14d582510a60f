//! Devices of users.

use gantry_model::Object;
use gantry_model::id::{DeviceId, OwnedDeviceId, OwnedUserId, UserId};
use gantry_store::schema::{DEVICE, TOKEN};
use gantry_store::{Batch, Blob, Scan, Stamp};
use serde::{Deserialize, Serialize};

use crate::accounts::{Versioned, check_name};
use crate::{Accounts, Error, Result, keys};

/// The most devices of a user that are listed.
const MAX_DEVICES: usize = 10_000;

/// A device of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The id, unique among the user's devices.
    pub device_id: OwnedDeviceId,
    /// Its name, if the user gave one.
    pub display_name: Option<String>,
    /// When it first logged in, in milliseconds since the Unix epoch.
    pub created_ts: i64,
    /// When and from where it was last used, if it was.
    pub last_seen: Option<LastSeen>,
}

/// The last use of a device, known to within five minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastSeen {
    /// When, in milliseconds since the Unix epoch.
    pub ts: i64,
    /// From which address.
    pub ip: String,
    /// With which software.
    pub user_agent: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DeviceRow {
    user: OwnedUserId,
    device: OwnedDeviceId,
    pub(crate) display_name: Option<String>,
    /// SHA-256 of the valid token. Without one the device is deleted.
    pub(crate) token: Option<Blob>,
    /// SHA-256 of the valid refresh token.
    #[serde(default)]
    pub(crate) refresh: Option<Blob>,
    /// The pair before this one, valid until this one is used.
    #[serde(default)]
    pub(crate) old_token: Option<Blob>,
    #[serde(default)]
    pub(crate) old_refresh: Option<Blob>,
    #[serde(default)]
    pub(crate) last_seen: Option<LastSeen>,
    created_ts: i64,
    v: i64,
}

impl Versioned for DeviceRow {
    fn version(&self) -> i64 {
        self.v
    }

    fn set_version(&mut self, version: i64) {
        self.v = version;
    }
}

impl DeviceRow {
    pub(crate) fn new(user: &UserId, device: &DeviceId, now: i64) -> Self {
        Self {
            user: user.to_owned(),
            device: device.to_owned(),
            display_name: None,
            token: None,
            refresh: None,
            old_token: None,
            old_refresh: None,
            last_seen: None,
            created_ts: now,
            v: 0,
        }
    }

    fn into_device(self) -> Option<Device> {
        self.token.is_some().then_some(Device {
            device_id: self.device,
            display_name: self.display_name,
            created_ts: self.created_ts,
            last_seen: self.last_seen,
        })
    }
}

impl Accounts {
    /// The devices of a user.
    pub async fn devices(&self, user: &UserId) -> Result<Vec<Device>> {
        let scan = Scan::prefix(&keys::user_owner(user)).limit(MAX_DEVICES);
        let rows = self.inner.store.scan::<DeviceRow>(DEVICE, scan).await?;
        Ok(rows
            .into_iter()
            .filter_map(|(_, row)| row.into_device())
            .collect())
    }

    /// A device of a user.
    pub async fn device(&self, user: &UserId, device: &DeviceId) -> Result<Option<Device>> {
        let row = self
            .inner
            .store
            .get::<DeviceRow>(DEVICE, &keys::device(user, device))
            .await?;
        Ok(row.and_then(DeviceRow::into_device))
    }

    /// Gives a device another name, or none.
    pub async fn rename_device(
        &self,
        user: &UserId,
        device: &DeviceId,
        display_name: Option<String>,
    ) -> Result<()> {
        check_name("the device name", display_name.as_deref().unwrap_or(""))?;
        self.update(
            DEVICE,
            keys::device(user, device),
            Stamp::None,
            |row: Option<DeviceRow>| {
                let live = row.filter(|row| row.token.is_some());
                let mut row = live.ok_or(Error::UnknownDevice)?;
                row.display_name.clone_from(&display_name);
                Ok(Some(row))
            },
        )
        .await
        .map(|_| ())
    }

    /// Deletes a device. When this returns, its token is refused.
    pub async fn delete_device(&self, user: &UserId, device: &DeviceId) -> Result<()> {
        let key = keys::device(user, device);
        let mut ended = Vec::new();
        self.update(
            DEVICE,
            key.clone(),
            Stamp::None,
            |row: Option<DeviceRow>| {
                let mut row = row.ok_or(Error::UnknownDevice)?;
                ended = row.tokens();
                row.token.take().ok_or(Error::UnknownDevice)?;
                row.refresh = None;
                row.drop_old();
                row.display_name = None;
                Ok(Some(row))
            },
        )
        .await?;
        let mut batch = Batch::new();
        for token in ended {
            batch.delete(TOKEN, Vec::from(token));
        }
        // A login of the same device at this moment may lose its new document here: then its token
        // is void, and the client logs in again.
        batch.delete(DEVICE, key);
        self.inner.store.commit(batch).await?;
        self.inner.sessions.forget_user(user);
        self.forget_device_settings(user, device).await
    }

    /// What the user's clients keep here about one device goes with it (MSC3890).
    async fn forget_device_settings(&self, user: &UserId, device: &DeviceId) -> Result<()> {
        for kind in [
            "m.local_notification_settings",
            "org.matrix.msc3890.local_notification_settings",
        ] {
            let kind = format!("{kind}.{device}");
            if kind.len() > crate::MAX_NAME_BYTES {
                continue;
            }
            let emptied = |before: Option<Object>| before.map(|_| Object::new());
            self.change_account_data(user, None, &kind, emptied).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::Error;
    use crate::testing::{accounts, has_account, user};

    #[tokio::test]
    async fn deleting_a_device_ends_its_token_and_no_other() {
        let (accounts, _dir) = accounts().await;
        let alice = user("alice");
        has_account(&accounts, &alice).await;
        let first = accounts.login(&alice, None, None).await.unwrap();
        let second = accounts.login(&alice, None, None).await.unwrap();
        for login in [&first, &second] {
            assert!(
                accounts
                    .session(&login.access_token)
                    .await
                    .unwrap()
                    .is_some()
            );
        }

        accounts
            .delete_device(&alice, &first.device_id)
            .await
            .unwrap();

        assert_eq!(accounts.session(&first.access_token).await.unwrap(), None);
        assert!(
            accounts
                .session(&second.access_token)
                .await
                .unwrap()
                .is_some()
        );
        assert_eq!(
            accounts.device(&alice, &first.device_id).await.unwrap(),
            None
        );
        let again = accounts.delete_device(&alice, &first.device_id).await;
        assert!(matches!(again, Err(Error::UnknownDevice)));
    }

    #[tokio::test]
    async fn a_device_is_renamed() {
        let (accounts, _dir) = accounts().await;
        let alice = user("alice");
        has_account(&accounts, &alice).await;
        let login = accounts.login(&alice, None, None).await.unwrap();

        let name = Some("tablet".to_owned());
        accounts
            .rename_device(&alice, &login.device_id, name.clone())
            .await
            .unwrap();

        let device = accounts
            .device(&alice, &login.device_id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(device.display_name, name);
        let unknown = accounts.rename_device(&alice, "NONE".into(), None).await;
        assert!(matches!(unknown, Err(Error::UnknownDevice)));
    }
}

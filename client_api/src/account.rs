//! Accounts: making one, who one is, changing the password, ending it.

mod change_password;
mod check_username_availability;
mod deactivate_account;
mod get_token_owner;
mod register;
mod shared_secret;

pub(crate) use change_password::change_password;
pub(crate) use check_username_availability::check_username_availability;
pub(crate) use deactivate_account::deactivate_account;
pub(crate) use get_token_owner::get_token_owner;
pub(crate) use register::register;
pub(crate) use shared_secret::{get_nonce, register_with_shared_secret};

use gantry_homeserver::Registered;
use gantry_model::id::{OwnedDeviceId, OwnedServerName, OwnedUserId};
use serde::Serialize;

/// A new account, and its first session unless the client wanted none. `home_server` left the
/// specification long ago, and clients still read it.
#[derive(Debug, Serialize)]
pub(crate) struct RegisteredBody {
    user_id: OwnedUserId,
    home_server: OwnedServerName,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_id: Option<OwnedDeviceId>,
}

impl From<Registered> for RegisteredBody {
    fn from(registered: Registered) -> Self {
        let (access_token, device_id) = registered
            .login
            .map(|login| (login.access_token, login.device_id))
            .unzip();
        Self {
            home_server: registered.user_id.server_name().to_owned(),
            user_id: registered.user_id,
            access_token,
            device_id,
        }
    }
}

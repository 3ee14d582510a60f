//! Accounts: making one, who one is, changing the password, ending it.

mod change_password;
mod check_username_availability;
mod deactivate_account;
mod email;
mod fallback;
mod get_token_owner;
mod openid;
mod register;
mod registration_token;
mod shared_secret;
mod threepids;

pub(crate) use change_password::change_password;
pub(crate) use check_username_availability::check_username_availability;
pub(crate) use deactivate_account::deactivate_account;
pub(crate) use email::{confirm_email, show_confirmation};
pub(crate) use fallback::{finish_stage, show_stage};
pub(crate) use get_token_owner::get_token_owner;
pub(crate) use openid::request_openid_token;
pub(crate) use register::register;
pub(crate) use registration_token::registration_token_validity;
pub(crate) use shared_secret::{get_nonce, register_with_shared_secret};
pub(crate) use threepids::{
    add_3pid, bind_3pid, delete_3pid, get_account_3pids, request_email_to_3pid,
    request_email_to_register, request_email_to_reset, request_msisdn, unbind_3pid,
};

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
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in_ms: Option<i64>,
}

impl From<Registered> for RegisteredBody {
    fn from(registered: Registered) -> Self {
        let login = registered.login;
        let refresh = login.as_ref().and_then(|login| login.refresh.clone());
        let (refresh_token, expires_in_ms) = refresh
            .map(|refresh| (refresh.token, refresh.expires_in_ms))
            .unzip();
        let (access_token, device_id) = login
            .map(|login| (login.access_token, login.device_id))
            .unzip();
        Self {
            home_server: registered.user_id.server_name().to_owned(),
            user_id: registered.user_id,
            access_token,
            device_id,
            refresh_token,
            expires_in_ms,
        }
    }
}

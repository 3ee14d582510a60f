//! What an operator decides about use-cases.

use gantry_model::{RoomVersion, id::OwnedServerName};

use crate::{AccountPolicy, Rates};

/// What an operator decides about use-cases.
#[derive(Debug, Clone)]
pub struct HomeserverConfig {
    /// Our name.
    pub server_name: OwnedServerName,
    /// Who may register.
    pub registration: RegistrationConfig,
    /// The version of a new room whose creator names none.
    pub default_room_version: RoomVersion,
    /// Whether users are told who is there.
    pub presence: bool,
    /// What other software is told about where we are.
    pub well_known: WellKnown,
    /// Everything else about accounts.
    pub accounts: AccountPolicy,
    /// How often somebody may do something.
    pub rates: Rates,
    /// Where people reach us with a browser, without a slash at the end.
    pub site_url: String,
}

/// Who may register.
#[derive(Debug, Clone, Default)]
pub struct RegistrationConfig {
    /// Anybody may, with a user name and a password.
    pub open: bool,
    /// Anybody may, as a guest.
    pub guests: bool,
    /// Whoever knows this secret may, also as an administrator.
    pub shared_secret: Option<String>,
}

/// The two discovery documents; `None`: there is none.
#[derive(Debug, Clone, Default)]
pub struct WellKnown {
    /// The base address for Matrix clients.
    pub client_base_url: Option<String>,
    /// Host and port for federation.
    pub server: Option<String>,
}

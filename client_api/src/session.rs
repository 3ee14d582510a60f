//! Sessions: logging in and out.

mod get_login_flows;
mod get_token;
mod login;
mod logout;
mod refresh;

pub(crate) use get_login_flows::get_login_flows;
pub(crate) use get_token::generate_login_token;
pub(crate) use login::login;
pub(crate) use logout::{logout, logout_all};
pub(crate) use refresh::refresh;

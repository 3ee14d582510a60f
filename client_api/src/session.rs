//! Sessions: logging in and out.

mod get_login_flows;
mod login;
mod logout;

pub(crate) use get_login_flows::get_login_flows;
pub(crate) use login::login;
pub(crate) use logout::{logout, logout_all};

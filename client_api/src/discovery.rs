//! What the server is and can do: versions, well-known files, capabilities.

mod get_capabilities;
mod get_versions;
mod get_wellknown;
mod get_wellknown_support;

pub(crate) use get_capabilities::get_capabilities;
pub(crate) use get_versions::get_versions;
pub(crate) use get_wellknown::{ClientWellKnown, get_wellknown, get_wellknown_server};
pub(crate) use get_wellknown_support::get_wellknown_support;

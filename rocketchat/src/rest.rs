//! The REST API: requests in, documents out.

pub(crate) mod body;
pub(crate) mod chat;
pub(crate) mod dto;
pub(crate) mod fixed;
pub(crate) mod info;
pub(crate) mod params;
pub(crate) mod people;
pub(crate) mod reply;
pub(crate) mod rooms;
pub(crate) mod rooms_write;
pub(crate) mod session;
pub(crate) mod settings;
pub(crate) mod subscriptions;

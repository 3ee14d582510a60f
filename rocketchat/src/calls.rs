//! What REST and DDP have in common: one act each, with the documents that answer it.

mod documents;
mod find;
mod history;
mod messages;
mod people;
mod rooms;
mod sessions;
mod subscriptions;

pub(crate) use documents::ShownRoom;
pub(crate) use find::RoomRef;
pub(crate) use history::HistoryQuery;
pub(crate) use messages::{NewText, ReactionWish};
pub(crate) use rooms::NewRoom;
pub(crate) use sessions::Credentials;

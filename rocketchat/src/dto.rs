//! The documents that Rocket.Chat's clients see, over REST and DDP alike.

pub(crate) mod message;
pub(crate) mod room;
pub(crate) mod subscription;
pub(crate) mod user;

//! The only place where Matrix shapes become Rocket.Chat shapes, and back.

mod content;
mod date;
mod emoji;
mod emoji_table;
mod message;
mod name;
mod room;
mod source;
mod subscription;
mod system;
#[cfg(test)]
mod testing;
mod text;

pub(crate) use content::{ROOM_TYPE, Target, edit, new_message, reaction};
pub(crate) use date::{Date, parse as parse_date, to_text};
pub(crate) use emoji::Emoji;
pub(crate) use message::{Related, message};
use name::slug;
pub(crate) use name::{is_room_name, user_of, username};
pub(crate) use room::{RoomFacts, RoomType, first_kind, room, room_name};
pub(crate) use source::{People, Source};
pub(crate) use subscription::{SubscriptionFacts, subscription, subscription_id};

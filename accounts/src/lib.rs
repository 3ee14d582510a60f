//! The users of this server: accounts and passwords, devices and tokens, account data, receipts,
//! filters, typing and push rules.
//!
//! To begin with: [`Accounts`] (what every other crate holds), [`Session`] (who makes a request)
//! and [`AccountDatum`]. This crate must not know what an event is: whoever moves a receipt says
//! where in the timeline it stands.

mod account;
mod account_data;
mod accounts;
mod device;
mod error;
mod filter;
mod keys;
mod password;
mod profile;
mod push_rules;
mod receipt;
mod search;
mod session;
mod session_cache;
mod stream;
#[cfg(test)]
mod testing;
mod typing;

pub use account::{Account, NewAccount};
pub use account_data::AccountDatum;
pub use accounts::{Accounts, AccountsConfig};
pub use device::Device;
pub use error::{Error, Result};
pub use keys::{DataKind, data_kind, data_owner, room_owner, user_owner};
pub use password::Secret;
pub use push_rules::{PUSH_RULES, UserPushRules};
pub use receipt::{Receipt, StoredReceipt};
pub use session::{NewSession, Session};
pub use stream::DataChange;
pub use typing::TypingChange;

/// The largest content of account data, a filter or a profile, in bytes.
pub const MAX_CONTENT_BYTES: usize = 64 * 1024;

/// The longest name of anything: display names, device names, kinds of account data, in bytes.
pub const MAX_NAME_BYTES: usize = 255;

//! The users of this server: accounts and passwords, devices and tokens, account data, receipts,
//! filters, typing and push rules.
//!
//! To begin with: [`Accounts`] (what every other crate holds), [`Session`] (who makes a request)
//! and [`AccountDatum`]. This crate must not know what an event is: whoever moves a receipt says
//! where in the timeline it stands.

mod account;
mod account_data;
mod accounts;
mod appservice;
mod delayed;
mod device;
mod error;
mod filter;
mod invite_filter;
mod keys;
mod node_news;
mod password;
mod presence;
mod profile;
mod proof;
mod push_rules;
mod receipt;
mod refresh;
mod registration_token;
mod report;
mod search;
mod seen;
mod serial;
mod session;
mod session_cache;
mod standing;
mod stream;
#[cfg(test)]
mod testing;
mod thread_subscription;
mod threepid;
mod ticket;
mod typing;

pub use account::{Account, NewAccount};
pub use account_data::AccountDatum;
pub use accounts::{Accounts, AccountsConfig};
pub use appservice::{
    Appservice, AppserviceFile, Appservices, InvalidAppservice, Namespace, NamespaceFile,
    NamespacesFile,
};
pub use delayed::DelayedEvent;
pub use device::{Device, LastSeen};
pub use error::{Error, Result};
pub use invite_filter::InviteVerdict;
pub use keys::{DataKind, data_kind, data_owner, room_owner, user_owner};
pub use password::Secret;
pub use presence::{PresenceState, UserPresence};
pub use proof::{
    EmailPurpose, EmailRequest, EmailTicket, LOGIN_TOKEN_MS, OPENID_TOKEN_MS, ProvenEmail,
    UiaSession,
};
pub use push_rules::{PUSH_RULES, UserPushRules};
pub use receipt::{Receipt, StoredReceipt};
pub use refresh::Refresh;
pub use registration_token::RegistrationToken;
pub use report::{Report, StoredReport};
pub use session::{NewSession, Session, TokenState};
pub use stream::DataChange;
pub use thread_subscription::ThreadSubscription;
pub use threepid::Threepid;
pub use typing::TypingChange;

/// The largest content of account data, a filter or a profile, in bytes.
pub const MAX_CONTENT_BYTES: usize = 64 * 1024;

/// The longest name of anything: display names, device names, kinds of account data, in bytes.
pub const MAX_NAME_BYTES: usize = 255;

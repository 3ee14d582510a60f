//! Leaving the server reliably: the outbox.
//!
//! Three types to begin with: [`Outbox`] (what follows the log and queues per destination),
//! [`Destination`] (whoever can send one transaction) and [`Transaction`] (what it sends). The log
//! itself is the queue: what is stored is, for each part of the destinations, one cursor for those that
//! are on time, and one for each that lags behind. Nodes share the parts out. This crate must not know how a server is reached.

mod backlog;
mod backoff;
mod catch_up;
mod cursor;
mod email;
mod error;
mod flush;
mod follow;
mod node_news;
mod outbox;
mod queue;
mod recipients;
mod shares;
mod transaction;
mod turns;
mod worker;

pub use backoff::Backoff;
pub use email::{MailConfig, MailError, MailSecurity, Mailer, is_mail_address};
pub use error::{Error, Result};
pub use outbox::{Outbox, OutboxConfig};
pub use transaction::{Destination, Edu, MAX_EDUS, MAX_PDUS, SendFailed, Transaction};

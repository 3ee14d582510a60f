//! The full-text index: a projection of the logs of rooms, in a folder of its own beside the store.
//!
//! Three types to begin with: [`Search`] (the handle), [`Term`] (what a person types) and
//! [`Question`] (what is asked of the index). The index follows the stream behind the writers with a
//! cursor that is committed with it, and is made anew from the logs when it is missing, damaged or of
//! another form. It says where events stand; who may see them is decided by whoever asks.

mod collect;
mod error;
mod fold;
mod folder;
mod follow;
mod handle;
mod query;
mod schema;
mod term;
mod text;
mod tokens;
mod words;
mod writer;

pub use error::{Error, Result};
pub use handle::{Search, SearchConfig};
pub use query::{After, Found, Hit, Order, Question};
pub use schema::Key;
pub use term::Term;
pub use text::text_of;

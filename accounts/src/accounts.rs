//! The handle on everything of this crate.

use std::fmt;
use std::sync::Arc;

use gantry_model::id::{OwnedServerName, ServerName, UserId};
use gantry_model::{Clock, Rng};
use gantry_store::{Cut, Key, Stamp, Store, Table};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use crate::password::Passwords;
use crate::presence::Presence;
use crate::push_rules::PushRuleCache;
use crate::seen::Seen;
use crate::session_cache::SessionCache;
use crate::typing::Typing;
use crate::{Error, Result};

/// How often an overwriting act is tried again when somebody else was faster.
const ATTEMPTS: usize = 32;

/// What [`Accounts`] is made from.
pub struct AccountsConfig {
    /// The name of this server, to which all accounts belong.
    pub server_name: OwnedServerName,
    /// Where everything is kept.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where tokens and salts come from.
    pub rng: Arc<dyn Rng>,
    /// Whether passwords are hashed at the lowest cost, for tests only.
    pub cheap_passwords: bool,
}

impl fmt::Debug for AccountsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountsConfig")
            .field("server_name", &self.server_name)
            .finish_non_exhaustive()
    }
}

/// The accounts of this server and what belongs to them. Cheap to clone.
#[derive(Clone)]
pub struct Accounts {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    server_name: OwnedServerName,
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) passwords: Passwords,
    pub(crate) sessions: SessionCache,
    pub(crate) typing: Typing,
    pub(crate) push_rules: PushRuleCache,
    pub(crate) seen: Seen,
    pub(crate) presence: Presence,
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts")
            .field("server_name", &self.inner.server_name)
            .finish_non_exhaustive()
    }
}

/// A document that is overwritten: each version has a number.
pub(crate) trait Versioned: Serialize + DeserializeOwned {
    fn version(&self) -> i64;
    fn set_version(&mut self, version: i64);
}

impl Accounts {
    /// The accounts in a store.
    pub fn new(config: AccountsConfig) -> Self {
        let AccountsConfig {
            server_name,
            store,
            clock,
            rng,
            cheap_passwords,
        } = config;
        let typing = Typing::new(clock.now_ms());
        let presence = Presence::new(clock.now_ms());
        let passwords = Passwords::new(cheap_passwords);
        let sessions = SessionCache::default();
        let inner = Inner {
            server_name,
            store,
            clock,
            rng,
            passwords,
            sessions,
            typing,
            push_rules: PushRuleCache::default(),
            seen: Seen::default(),
            presence,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The name of this server.
    pub fn server_name(&self) -> &ServerName {
        &self.inner.server_name
    }

    /// Whether the user belongs to this server; the account need not exist.
    pub fn is_local(&self, user: &UserId) -> bool {
        user.server_name() == self.inner.server_name
    }

    /// How far everything is committed: what was written by this crate before lies within.
    pub fn cut(&self) -> Cut {
        self.inner.store.cut()
    }

    /// Tells whenever anything with a position was committed.
    pub fn subscribe(&self) -> watch::Receiver<Cut> {
        self.inner.store.subscribe()
    }

    /// Reads a document, lets `change` make the next version from it, and writes that unless
    /// somebody was faster; then all over again. `change` returns `None` to leave things as they
    /// are. True: it was written.
    pub(crate) async fn update<T, F>(
        &self,
        table: &'static Table,
        key: Key,
        stamp: Stamp,
        mut change: F,
    ) -> Result<Option<T>>
    where
        T: Versioned,
        F: FnMut(Option<T>) -> Result<Option<T>>,
    {
        for _ in 0..ATTEMPTS {
            let before: Option<T> = self.inner.store.get(table, &key).await?;
            let expected = before.as_ref().map(Versioned::version);
            let Some(mut next) = change(before)? else {
                return Ok(None);
            };
            next.set_version(expected.unwrap_or(0) + 1);
            let doc = gantry_store::to_document(table, &next)?;
            let mut batch = gantry_store::Batch::new();
            match stamp {
                Stamp::None => batch.put_if(table, key.clone(), expected, doc),
                Stamp::Position | Stamp::PositionAfterPrevious => {
                    batch.put_if_stamped(table, key.clone(), expected, doc)
                }
            };
            let outcomes = self.inner.store.commit(batch).await?;
            if outcomes
                .first()
                .is_some_and(gantry_store::Outcome::is_applied)
            {
                return Ok(Some(next));
            }
        }
        Err(Error::Contended)
    }
}

pub(crate) fn check_name(what: &'static str, name: &str) -> Result<()> {
    if name.len() > crate::MAX_NAME_BYTES {
        Err(Error::TooLarge(what))
    } else {
        Ok(())
    }
}

/// The JSON text of a content, if it is not too large.
pub(crate) fn content_text(what: &'static str, content: &gantry_model::Object) -> Result<String> {
    let text = serde_json::to_string(content).map_err(Error::Damaged)?;
    if text.len() > crate::MAX_CONTENT_BYTES {
        Err(Error::TooLarge(what))
    } else {
        Ok(text)
    }
}

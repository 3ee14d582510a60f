//! User-interactive authentication: asking again who asks.
//!
//! Specification:
//! <https://spec.matrix.org/v1.19/client-server-api/#user-interactive-authentication-api>.

use std::collections::HashMap;

use gantry_model::{ErrorKind, Object};
use parking_lot::Mutex;
use serde::Deserialize;

use crate::{Error, Result, core::Core};

/// The stage that always succeeds.
pub(crate) const DUMMY: &str = "m.login.dummy";
/// The stage that asks for the password.
pub(crate) const PASSWORD: &str = "m.login.password";

/// Sessions kept; beyond them the oldest is forgotten.
const MAX_SESSIONS: usize = 1_000;
/// How long a session lives, in milliseconds.
const LIFETIME_MS: i64 = 60 * 60 * 1_000;

/// An answer that may need authentication first.
#[derive(Debug, Clone, PartialEq)]
pub enum Uia<T> {
    /// Done.
    Done(T),
    /// Not yet: the client has to go through a flow.
    Needed(UiaChallenge),
}

/// What a client has to do before its request is served.
#[derive(Debug, Clone, PartialEq)]
pub struct UiaChallenge {
    /// The session, which the client names in its next attempt.
    pub session: String,
    /// The ways to authenticate, each a list of stages.
    pub flows: Vec<Vec<String>>,
    /// The stages that are done.
    pub completed: Vec<String>,
    /// What stages need to know.
    pub params: Object,
    /// Why the last attempt failed.
    pub error: Option<(ErrorKind, String)>,
}

/// What a client gives to authenticate.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct AuthData {
    /// The stage.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The session of the challenge.
    pub session: Option<String>,
    /// Whose password it is.
    pub identifier: Option<UserIdentifier>,
    /// Whose password it is, in the old form.
    pub user: Option<String>,
    /// The password.
    pub password: Option<String>,
}

/// How a client names a user.
#[derive(Debug, Clone, Deserialize)]
pub struct UserIdentifier {
    /// `m.id.user`; the others are not known here.
    #[serde(rename = "type")]
    pub kind: String,
    /// Local part or full user id.
    pub user: Option<String>,
}

impl UserIdentifier {
    /// The user that it names, if it is of the kind that names users.
    pub fn user(&self) -> Option<&str> {
        (self.kind == "m.id.user")
            .then_some(self.user.as_deref())
            .flatten()
    }
}

impl AuthData {
    /// The user that it names, in either form.
    pub(crate) fn named_user(&self) -> Option<&str> {
        self.identifier
            .as_ref()
            .and_then(UserIdentifier::user)
            .or(self.user.as_deref())
    }
}

/// The open sessions: id to the time of their start. All flows have one stage, so a session has
/// nothing else to remember. Held for single look-ups, bounded by [`MAX_SESSIONS`].
#[derive(Debug, Default)]
pub(crate) struct UiaSessions(Mutex<HashMap<String, i64>>);

impl UiaSessions {
    /// Opens a session.
    fn open(&self, id: String, now: i64) {
        let mut sessions = self.0.lock();
        sessions.retain(|_, started| now - *started < LIFETIME_MS);
        if sessions.len() >= MAX_SESSIONS
            && let Some(oldest) = sessions.iter().min_by_key(|(_, started)| **started)
        {
            let oldest = oldest.0.clone();
            sessions.remove(&oldest);
        }
        sessions.insert(id, now);
    }

    /// Whether the session is open.
    fn knows(&self, id: &str, now: i64) -> bool {
        self.0
            .lock()
            .get(id)
            .is_some_and(|started| now - *started < LIFETIME_MS)
    }

    /// Ends a session.
    fn close(&self, id: &str) {
        self.0.lock().remove(id);
    }
}

/// What a stage says about an attempt.
pub(crate) enum Attempt<'a> {
    /// Nothing was attempted.
    None,
    /// This stage was attempted.
    Stage(&'a str, &'a AuthData),
}

impl Core {
    /// Looks at the client's authentication data. A session that we do not know is an error.
    pub(crate) fn attempt<'a>(&self, auth: Option<&'a AuthData>) -> Result<Attempt<'a>> {
        let Some(auth) = auth else {
            return Ok(Attempt::None);
        };
        if let Some(session) = &auth.session
            && !self.uia.knows(session, self.clock.now_ms())
        {
            return Err(Error::refused(ErrorKind::WrongState, "Unknown session"));
        }
        Ok(match &auth.kind {
            Some(kind) => Attempt::Stage(kind, auth),
            None => Attempt::None,
        })
    }

    /// The challenge to go through this one stage, in the session that there is or a new one.
    pub(crate) fn challenge(
        &self,
        stage: &str,
        auth: Option<&AuthData>,
        error: Option<(ErrorKind, String)>,
    ) -> UiaChallenge {
        let session = auth
            .and_then(|auth| auth.session.clone())
            .unwrap_or_else(|| {
                let id = self.rng.alphanumeric(24);
                self.uia.open(id.clone(), self.clock.now_ms());
                id
            });
        UiaChallenge {
            session,
            flows: vec![vec![stage.to_owned()]],
            completed: Vec::new(),
            params: Object::new(),
            error,
        }
    }

    /// Ends the session of a request that was served.
    pub(crate) fn authenticated(&self, auth: Option<&AuthData>) {
        if let Some(session) = auth.and_then(|auth| auth.session.as_deref()) {
            self.uia.close(session);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_lives_until_it_is_closed_or_old() {
        let sessions = UiaSessions::default();

        sessions.open("a".to_owned(), 0);
        sessions.open("b".to_owned(), 10);
        sessions.close("b");

        assert!(sessions.knows("a", LIFETIME_MS - 1));
        assert!(!sessions.knows("a", LIFETIME_MS));
        assert!(!sessions.knows("b", 11));
    }

    #[test]
    fn the_oldest_session_makes_room() {
        let sessions = UiaSessions::default();

        for number in 0..=MAX_SESSIONS {
            sessions.open(number.to_string(), number as i64);
        }

        assert!(!sessions.knows("0", MAX_SESSIONS as i64));
        assert!(sessions.knows("1", MAX_SESSIONS as i64));
    }

    #[test]
    fn both_forms_name_a_user() {
        let new: AuthData =
            serde_json::from_str(r#"{"identifier":{"type":"m.id.user","user":"a"},"user":"b"}"#)
                .expect("auth data");
        let old: AuthData = serde_json::from_str(r#"{"user":"b"}"#).expect("auth data");

        assert_eq!(new.named_user(), Some("a"));
        assert_eq!(old.named_user(), Some("b"));
    }
}

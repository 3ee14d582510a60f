//! User-interactive authentication: asking again who asks. What a stage proves: `uia_stages.rs`.
//!
//! Specification:
//! <https://spec.matrix.org/v1.19/client-server-api/#user-interactive-authentication-api>.

use std::collections::BTreeSet;

use gantry_accounts::{EmailPurpose, UiaSession};
use gantry_model::{
    ErrorKind, Object,
    id::{OwnedUserId, UserId},
};
use serde::Deserialize;

use crate::{Error, Result, core::Core};

/// The stage that always succeeds.
pub(crate) const DUMMY: &str = "m.login.dummy";
/// The stage that asks for the password.
pub(crate) const PASSWORD: &str = "m.login.password";
/// The stage that asks for a registration token.
pub(crate) const REGISTRATION_TOKEN: &str = "m.login.registration_token";
/// The stage that asks to agree to the terms.
pub(crate) const TERMS: &str = "m.login.terms";
/// The stage that asks for a proven e-mail address.
pub(crate) const EMAIL: &str = "m.login.email.identity";

/// The ways to authenticate, each a list of stages.
pub(crate) type Flows = Vec<Vec<&'static str>>;

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

/// The authentication that a request bears, and which request it is.
#[derive(Debug, Clone, Default)]
pub struct UiaRequest {
    /// What the client gives to authenticate.
    pub auth: Option<AuthData>,
    /// The method and the endpoint.
    pub endpoint: String,
    /// The digest of the rest of the request.
    pub digest: String,
}

/// What a client gives to authenticate.
#[derive(Clone, Default, Deserialize)]
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
    /// The registration token.
    pub token: Option<String>,
    /// The proof of an e-mail address.
    #[serde(alias = "threepidCreds")]
    pub threepid_creds: Option<ThreepidCreds>,
}

/// Secrets are never shown.
impl std::fmt::Debug for AuthData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthData")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// The proof of a third-party identifier.
#[derive(Clone, Deserialize)]
pub struct ThreepidCreds {
    /// The id of the proof.
    pub sid: String,
    /// The secret that the client chose.
    pub client_secret: String,
}

/// How a client names a user.
#[derive(Debug, Clone, Deserialize)]
pub struct UserIdentifier {
    /// `m.id.user`, `m.id.thirdparty` or `m.id.phone`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Local part or full user id, of `m.id.user`.
    pub user: Option<String>,
    /// The medium, of `m.id.thirdparty`.
    pub medium: Option<String>,
    /// The address, of `m.id.thirdparty`.
    pub address: Option<String>,
}

impl UserIdentifier {
    /// The user that it names, if it is of the kind that names users.
    pub fn user(&self) -> Option<&str> {
        (self.kind == "m.id.user")
            .then_some(self.user.as_deref())
            .flatten()
    }

    /// The medium and address that it names, if it is of the kind that names those.
    pub fn threepid(&self) -> Option<(&str, &str)> {
        if self.kind != "m.id.thirdparty" {
            return None;
        }
        Some((self.medium.as_deref()?, self.address.as_deref()?))
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

/// An act that is guarded.
pub(crate) struct Guard<'a> {
    /// The request.
    pub(crate) request: &'a UiaRequest,
    /// Who asks, where that is known.
    pub(crate) user: Option<&'a UserId>,
    /// The ways to authenticate.
    pub(crate) flows: Flows,
    /// What an e-mail address would be proven for.
    pub(crate) email: Option<EmailPurpose>,
}

/// What a guard says.
pub(crate) enum Checked {
    /// The client went through a flow; what it proved.
    Passed(Proven),
    /// It did not, yet.
    Challenge(UiaChallenge),
}

/// What a client proved.
#[derive(Default)]
pub(crate) struct Proven {
    /// Who asks.
    pub(crate) user: Option<OwnedUserId>,
    /// The registration token that was given.
    pub(crate) registration_token: Option<String>,
    /// The e-mail address that was proven, and the id of its proof.
    pub(crate) email: Option<gantry_accounts::ProvenEmail>,
}

impl Core {
    /// Looks at the client's authentication: a stage that it attempts, and whether it has gone
    /// through a flow. A session that we do not know, or of another request, is an error.
    pub(crate) async fn guard(&self, guard: Guard<'_>) -> Result<Checked> {
        let named = guard
            .request
            .auth
            .as_ref()
            .and_then(|auth| auth.session.as_deref());
        let mut session = match named {
            Some(id) => self.open_session(id, &guard).await?,
            None => new_session(&guard),
        };
        let error = self.attempt(&guard, &mut session).await?;
        if error.is_none() && is_complete(&guard.flows, &session.completed) {
            return Ok(Checked::Passed(Proven {
                user: session.user,
                registration_token: session.registration_token,
                email: session.email,
            }));
        }
        let id = match named {
            None => self.accounts.open_uia(&session).await?,
            Some(id) => {
                self.accounts
                    .change_uia(id, |stored| merge(stored, &session))
                    .await?
                    .ok_or_else(unknown_session)?;
                id.to_owned()
            }
        };
        Ok(Checked::Challenge(UiaChallenge {
            session: id,
            params: self.params(&guard.flows),
            flows: guard
                .flows
                .iter()
                .map(|stages| stages.iter().map(ToString::to_string).collect())
                .collect(),
            completed: session.completed.into_iter().collect(),
            error,
        }))
    }

    /// Ends the session of a request that was served.
    pub(crate) async fn served(&self, request: &UiaRequest) -> Result<()> {
        let Some(auth) = &request.auth else {
            return Ok(());
        };
        if let Some(creds) = auth.threepid_creds.as_ref() {
            self.accounts.spend_email(&creds.sid).await?;
        }
        match &auth.session {
            Some(id) => Ok(self.accounts.close_uia(id).await?),
            None => Ok(()),
        }
    }

    async fn open_session(&self, id: &str, guard: &Guard<'_>) -> Result<UiaSession> {
        let session = self.accounts.uia_session(id).await?;
        let mut session = session.ok_or_else(unknown_session)?;
        let is_other_user = guard.user.is_some() && session.user.as_deref() != guard.user;
        if session.endpoint != guard.request.endpoint || is_other_user {
            return Err(changed());
        }
        if session.digest != guard.request.digest {
            // Nothing was proven for the old request yet, so nothing can be carried over.
            if !session.completed.is_empty() {
                return Err(changed());
            }
            session.digest.clone_from(&guard.request.digest);
        }
        Ok(session)
    }

    /// Tries the stage that the client names, if it names one: why it failed, if it did.
    async fn attempt(
        &self,
        guard: &Guard<'_>,
        session: &mut UiaSession,
    ) -> Result<Option<(ErrorKind, String)>> {
        let Some(auth) = &guard.request.auth else {
            return Ok(None);
        };
        let Some(named) = auth.kind.as_deref() else {
            return Ok(None);
        };
        let mut stages = guard.flows.iter().flatten();
        let Some(stage) = stages.find(|stage| **stage == named) else {
            return Ok(Some((ErrorKind::InvalidParam, "Unknown stage".to_owned())));
        };
        let failed = self.run_stage(stage, auth, guard, session).await?;
        if failed.is_none() {
            session.completed.insert((*stage).to_owned());
        }
        Ok(failed)
    }
}

fn new_session(guard: &Guard<'_>) -> UiaSession {
    UiaSession {
        endpoint: guard.request.endpoint.clone(),
        user: guard.user.map(ToOwned::to_owned),
        digest: guard.request.digest.clone(),
        completed: BTreeSet::new(),
        registration_token: None,
        email: None,
    }
}

/// What was stored and what this request added to it.
fn merge(stored: &mut UiaSession, now: &UiaSession) {
    stored.completed.extend(now.completed.iter().cloned());
    stored.digest.clone_from(&now.digest);
    stored.user = stored.user.take().or_else(|| now.user.clone());
    if now.registration_token.is_some() {
        stored
            .registration_token
            .clone_from(&now.registration_token);
    }
    if now.email.is_some() {
        stored.email.clone_from(&now.email);
    }
}

/// Whether all stages of one flow are done.
fn is_complete(flows: &Flows, completed: &BTreeSet<String>) -> bool {
    flows
        .iter()
        .any(|stages| stages.iter().all(|stage| completed.contains(*stage)))
}

fn unknown_session() -> Error {
    Error::refused(ErrorKind::WrongState, "Unknown session")
}

fn changed() -> Error {
    Error::forbidden("The request has changed during the authentication session")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_flow_is_enough_and_all_of_it_is_needed() {
        let flows = vec![vec![DUMMY], vec![TERMS, EMAIL]];
        let done = |stages: &[&str]| {
            is_complete(&flows, &stages.iter().map(ToString::to_string).collect())
        };

        assert!(!done(&[]));
        assert!(done(&[DUMMY]));
        assert!(!done(&[TERMS]));
        assert!(done(&[EMAIL, TERMS]));
        assert!(!is_complete(&Vec::new(), &BTreeSet::new()));
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

//! What each stage of user-interactive authentication asks for.

use gantry_accounts::{Secret, UiaSession};
use gantry_model::{ErrorKind, Object, id::OwnedUserId};

use crate::{
    AuthData, Error, Result, Sessions,
    content::object,
    core::Core,
    uia::{DUMMY, EMAIL, Flows, Guard, PASSWORD, REGISTRATION_TOKEN, TERMS},
};

/// Why a stage failed; `None`: it did not.
type Failure = Option<(ErrorKind, String)>;

impl Sessions {
    /// Tries a stage in a browser, for a client that cannot do it itself. `Ok(Some)` is why it
    /// failed.
    pub async fn complete_in_browser(
        &self,
        stage: &str,
        session: &str,
        token: Option<String>,
    ) -> Result<Option<String>> {
        let unknown = || Error::refused(ErrorKind::WrongState, "Unknown session");
        let accounts = &self.core.accounts;
        let mut found = accounts.uia_session(session).await?.ok_or_else(unknown)?;
        let failure = match stage {
            DUMMY | TERMS => None,
            REGISTRATION_TOKEN => {
                let auth = AuthData {
                    token,
                    ..AuthData::default()
                };
                self.core.token_stage(&auth, &mut found).await?
            }
            _ => return Err(Error::not_found("There is no page for this stage")),
        };
        if let Some((_, reason)) = failure {
            return Ok(Some(reason));
        }
        let given = found.registration_token;
        let changed = accounts.change_uia(session, |stored| {
            stored.completed.insert(stage.to_owned());
            if given.is_some() {
                stored.registration_token.clone_from(&given);
            }
        });
        changed.await?.ok_or_else(unknown)?;
        Ok(None)
    }
}

impl Core {
    /// Tries a stage; what it proves is noted in the session.
    pub(crate) async fn run_stage(
        &self,
        stage: &str,
        auth: &AuthData,
        guard: &Guard<'_>,
        session: &mut UiaSession,
    ) -> Result<Failure> {
        match stage {
            DUMMY | TERMS => Ok(None),
            PASSWORD => self.password_stage(auth, guard, session).await,
            REGISTRATION_TOKEN => self.token_stage(auth, session).await,
            EMAIL => self.email_stage(auth, guard, session).await,
            _ => Ok(Some(because(ErrorKind::InvalidParam, "Unknown stage"))),
        }
    }

    /// What clients need to know of the stages of these flows.
    pub(crate) fn params(&self, flows: &Flows) -> Object {
        if flows.iter().flatten().any(|stage| *stage == TERMS) {
            object([(TERMS, self.terms().into())])
        } else {
            Object::new()
        }
    }

    async fn password_stage(
        &self,
        auth: &AuthData,
        guard: &Guard<'_>,
        session: &mut UiaSession,
    ) -> Result<Failure> {
        let wrong = || Some(because(ErrorKind::Forbidden, "Invalid password"));
        let Some(password) = auth.password.as_deref() else {
            return Ok(Some(because(
                ErrorKind::MissingParam,
                "Missing params: password",
            )));
        };
        let Some(user) = self.whose_password(auth, guard).await? else {
            return Ok(wrong());
        };
        let limited = self.limits.check_password(&user);
        if let Err(error) = limited {
            return Ok(Some((error.kind(), error.public_message())));
        }
        let secret = Secret::Plain(password);
        if !self.accounts.verify_password(&user, secret).await? {
            return Ok(wrong());
        }
        session.user = Some(user);
        Ok(None)
    }

    /// The user whose password is given: who asks, if he is known, and no other.
    async fn whose_password(
        &self,
        auth: &AuthData,
        guard: &Guard<'_>,
    ) -> Result<Option<OwnedUserId>> {
        let named = match (auth.named_user(), auth.identifier.as_ref()) {
            (Some(name), _) => self.local_user(name).await?,
            (None, Some(identifier)) => match identifier.threepid() {
                Some((medium, address)) => self.accounts.threepid_owner(medium, address).await?,
                None => None,
            },
            (None, None) => guard.user.map(ToOwned::to_owned),
        };
        Ok(named.filter(|named| guard.user.is_none_or(|user| user == named)))
    }

    async fn token_stage(&self, auth: &AuthData, session: &mut UiaSession) -> Result<Failure> {
        let Some(token) = auth.token.as_deref() else {
            return Ok(Some(because(
                ErrorKind::MissingParam,
                "Missing params: token",
            )));
        };
        if !self.accounts.is_registration_token_valid(token).await? {
            let reason = "Invalid registration token";
            return Ok(Some(because(ErrorKind::Unauthorized, reason)));
        }
        session.registration_token = Some(token.to_owned());
        Ok(None)
    }

    async fn email_stage(
        &self,
        auth: &AuthData,
        guard: &Guard<'_>,
        session: &mut UiaSession,
    ) -> Result<Failure> {
        let Some((creds, purpose)) = auth.threepid_creds.as_ref().zip(guard.email) else {
            let reason = "Missing params: threepid_creds";
            return Ok(Some(because(ErrorKind::MissingParam, reason)));
        };
        let proven = self
            .accounts
            .proven_email(purpose, &creds.sid, &creds.client_secret)
            .await?;
        if proven.is_none() {
            let reason = "The e-mail address has not been proven";
            return Ok(Some(because(ErrorKind::ThreepidAuthFailed, reason)));
        }
        session.email = proven;
        Ok(None)
    }

    /// The terms in the form of the specification.
    fn terms(&self) -> Object {
        let mut policies = Object::new();
        for term in &self.config.accounts.terms {
            let policy = policies.object_mut(&term.id);
            if policy.is_empty() {
                policy.insert("version", term.version.as_str().into());
            }
            let text = object([
                ("name", term.name.as_str().into()),
                ("url", term.url.as_str().into()),
            ]);
            policy.insert(term.language.as_str(), text.into());
        }
        object([("policies", policies.into())])
    }
}

fn because(kind: ErrorKind, reason: &str) -> (ErrorKind, String) {
    (kind, reason.to_owned())
}

//! Who asks. A handler learns a user's id only by these extractors, so none can forget to ask.

use axum::extract::FromRequestParts;
use gantry_homeserver::Session as UserSession;
use gantry_model::{ErrorKind, id::UserId};
use gantry_web::find_access_token;
use http::request::Parts;

use crate::{
    ClientApiState,
    error::{Error, Result},
};

/// The session of the access token that the request bears. Without one 401 `M_MISSING_TOKEN`, with
/// an invalid one 401 `M_UNKNOWN_TOKEN`.
#[derive(Debug, Clone)]
pub(crate) struct Session(pub(crate) UserSession);

/// The same where a token may be missing; an invalid one is refused all the same.
#[derive(Debug, Clone)]
pub(crate) struct OptionalSession(pub(crate) Option<UserSession>);

impl FromRequestParts<ClientApiState> for Session {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &ClientApiState) -> Result<Self> {
        let OptionalSession(session) = OptionalSession::from_request_parts(parts, state).await?;
        session.map(Self).ok_or(Error::Refused {
            kind: ErrorKind::MissingToken,
            reason: "Missing access token",
        })
    }
}

impl FromRequestParts<ClientApiState> for OptionalSession {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &ClientApiState) -> Result<Self> {
        let Some(token) = find_access_token(&parts.headers, parts.uri.query()) else {
            return Ok(Self(None));
        };
        let session = state.homeserver().sessions.authenticate(&token).await?;
        Ok(Self(Some(session)))
    }
}

/// Fails unless the user in the path is the one who asks.
pub(crate) fn require_self(session: &UserSession, user: &UserId) -> Result<()> {
    if session.user_id == user {
        Ok(())
    } else {
        Err(Error::Refused {
            kind: ErrorKind::Forbidden,
            reason: "This is another user's",
        })
    }
}

//! Who asks. A handler learns a user's id only by these extractors, so none can forget to ask.

use axum::{RequestPartsExt, extract::FromRequestParts, extract::MatchedPath};
use gantry_homeserver::{Masquerade, Session as UserSession};
use gantry_model::{ErrorKind, id::UserId};
use gantry_web::{ClientAddress, find_access_token};
use http::{header, request::Parts};
use serde::Deserialize;

use crate::{
    ClientApiState,
    error::{Error, Result},
    extract::QueryArgs,
    guests::may_guests,
};

/// The session of the access token that the request bears. Without one 401 `M_MISSING_TOKEN`, with
/// an invalid one 401 `M_UNKNOWN_TOKEN`, of a locked account 401 `M_USER_LOCKED`, of a guest where
/// guests may not go 403 `M_GUEST_ACCESS_FORBIDDEN`. An application service acts for the user that
/// the query names.
#[derive(Debug, Clone)]
pub(crate) struct Session(pub(crate) UserSession);

/// The same where a token may be missing; an invalid one is refused all the same.
#[derive(Debug, Clone)]
pub(crate) struct OptionalSession(pub(crate) Option<UserSession>);

/// The same for logging out, which a locked account may do.
#[derive(Debug, Clone)]
pub(crate) struct EndingSession(pub(crate) UserSession);

/// For whom an application service acts. Others may send these parameters too: then they mean
/// nothing.
#[derive(Debug, Default, Deserialize)]
struct MasqueradeQuery {
    user_id: Option<String>,
    #[serde(alias = "org.matrix.msc3202.device_id")]
    device_id: Option<String>,
}

impl FromRequestParts<ClientApiState> for Session {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &ClientApiState) -> Result<Self> {
        let OptionalSession(session) = OptionalSession::from_request_parts(parts, state).await?;
        session.map(Self).ok_or_else(missing)
    }
}

impl FromRequestParts<ClientApiState> for OptionalSession {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &ClientApiState) -> Result<Self> {
        let Some(token) = find_access_token(&parts.headers, parts.uri.query()) else {
            return Ok(Self(None));
        };
        // A query that cannot be read has no such parameters; its own extractor will say so.
        let QueryArgs(query) = QueryArgs::<MasqueradeQuery>::from_request_parts(parts, state)
            .await
            .unwrap_or(QueryArgs(MasqueradeQuery::default()));
        let who = Masquerade {
            user_id: query.user_id,
            device_id: query.device_id.map(Into::into),
        };
        let sessions = &state.homeserver().sessions;
        let session = sessions.authenticate_as(&token, who).await?;
        let path = parts.extract::<MatchedPath>().await;
        if session.guest && !path.is_ok_and(|path| may_guests(&parts.method, path.as_str())) {
            return Err(Error::Refused {
                kind: ErrorKind::GuestAccessForbidden,
                reason: "Guests may not do this",
            });
        }
        let agent = parts
            .headers
            .get(header::USER_AGENT)
            .and_then(|value| value.to_str().ok());
        let ClientAddress(address) = ClientAddress::of(&parts.extensions);
        sessions.note_use(&session, address, agent).await;
        Ok(Self(Some(session)))
    }
}

impl FromRequestParts<ClientApiState> for EndingSession {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &ClientApiState) -> Result<Self> {
        let token = find_access_token(&parts.headers, parts.uri.query()).ok_or_else(missing)?;
        let sessions = &state.homeserver().sessions;
        Ok(Self(sessions.authenticate_for_logout(&token).await?))
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

fn missing() -> Error {
    Error::Refused {
        kind: ErrorKind::MissingToken,
        reason: "Missing access token",
    }
}

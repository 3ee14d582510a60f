//! Who asks.

use axum::extract::FromRequestParts;
use gantry_homeserver::Session;
use gantry_homeserver::workspace::rc_user_id;
use gantry_model::ErrorKind;
use http::request::Parts;

use crate::error::Error;
use crate::state::RocketchatState;

/// Who asks: a valid token of the user who is named beside it.
#[derive(Clone, Debug)]
pub(crate) struct RcSession(pub(crate) Session);

impl FromRequestParts<RocketchatState> for RcSession {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &RocketchatState) -> Result<Self, Error> {
        let header = |name| {
            parts
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let (Some(token), Some(user)) = (header("x-auth-token"), header("x-user-id")) else {
            return Err(Error::unauthenticated());
        };
        let (token, user) = (token.to_owned(), user.to_owned());
        let session = match state.homeserver().sessions.authenticate(&token).await {
            Ok(session) => session,
            Err(error) if matches!(error.kind(), ErrorKind::UnknownToken { .. }) => {
                return Err(Error::unauthenticated());
            }
            Err(error) => return Err(error.into()),
        };
        let is_named = rc_user_id(&session.user_id) == user;
        if is_named {
            Ok(Self(session))
        } else {
            Err(Error::unauthenticated())
        }
    }
}

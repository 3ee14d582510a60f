//! Rate limits of those who are not logged in yet: by their address. All others are limited where
//! they act, in the use-cases.

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use gantry_homeserver::Act;
use gantry_web::ClientAddress;
use http::Method;

use crate::{ClientApiState, error::Error, guests::without_version};

/// Answers 429 `M_LIMIT_EXCEEDED` if the address does this too often.
pub(crate) async fn limit_addresses(
    State(state): State<ClientApiState>,
    request: Request,
    next: Next,
) -> Response {
    let act = request
        .extensions()
        .get::<MatchedPath>()
        .and_then(|path| act_of(request.method(), path.as_str()));
    if let Some(act) = act {
        let ClientAddress(address) = ClientAddress::of(request.extensions());
        if let Err(error) = state.homeserver().limits().check_address(act, address) {
            return Error::from(error).into_response();
        }
    }
    next.run(request).await
}

/// What is limited at an endpoint; `path` is the pattern of the route.
fn act_of(method: &Method, path: &str) -> Option<Act> {
    match (method.as_str(), without_version(path)) {
        ("POST", "/login" | "/refresh") => Some(Act::Login),
        ("POST", "/register") => Some(Act::Register),
        ("GET", "/register/available" | "/register/m.login.registration_token/validity") => {
            Some(Act::Register)
        }
        ("POST", path) if path.ends_with("/email/requestToken") => Some(Act::Mail),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_costs_without_a_session_is_limited() {
        let act = |method, path| act_of(&method, path);

        assert_eq!(
            act(Method::POST, "/_matrix/client/v3/login"),
            Some(Act::Login)
        );
        assert_eq!(act(Method::GET, "/_matrix/client/v3/login"), None);
        assert_eq!(
            act(Method::POST, "/_matrix/client/r0/register"),
            Some(Act::Register)
        );
        assert_eq!(
            act(
                Method::POST,
                "/_matrix/client/v3/account/password/email/requestToken"
            ),
            Some(Act::Mail)
        );
    }
}

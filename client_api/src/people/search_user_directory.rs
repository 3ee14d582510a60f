//! `POST /_matrix/client/v3/user_directory/search`:
//! <https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3user_directorysearch>.

use axum::{Json, extract::State};
use gantry_homeserver::UserSearch;
use gantry_model::id::OwnedUserId;
use serde::{Deserialize, Serialize};

use crate::{ClientApiState, auth::Session, error::Result, extract::JsonBody};

/// What is searched for.
#[derive(Debug, Deserialize)]
pub(crate) struct Body {
    search_term: String,
    limit: Option<usize>,
}

/// The users who fit.
#[derive(Debug, Serialize)]
pub(crate) struct Response {
    results: Vec<User>,
    limited: bool,
}

#[derive(Debug, Serialize)]
struct User {
    user_id: OwnedUserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar_url: Option<String>,
}

/// Finds users by name.
pub(crate) async fn search_user_directory(
    State(state): State<ClientApiState>,
    Session(session): Session,
    JsonBody(body): JsonBody<Body>,
) -> Result<Json<Response>> {
    let search = UserSearch {
        term: body.search_term,
        limit: body.limit,
    };
    let directory = &state.homeserver().user_directory;
    let (found, limited) = directory.search(&session, search).await?;
    let results = found
        .into_iter()
        .map(|user| User {
            user_id: user.user_id,
            display_name: user.display_name,
            avatar_url: user.avatar_url,
        })
        .collect();
    Ok(Json(Response { results, limited }))
}

//! `POST /_matrix/client/v3/user/{userId}/filter` and `GET .../filter/{filterId}`:
//! <https://spec.matrix.org/v1.19/client-server-api/#filtering>.

use axum::{Json, extract::State};
use gantry_model::{Object, id::OwnedUserId};
use serde::Serialize;

use crate::{
    ClientApiState,
    auth::{Session, require_self},
    error::{Error, Result},
    extract::{JsonBody, PathArgs},
    sync::Filter,
};

/// The id of a stored filter.
#[derive(Debug, Serialize)]
pub(crate) struct FilterId {
    filter_id: String,
}

/// Stores a filter, as it came but for its form, which has to be right.
pub(crate) async fn define_filter(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(user): PathArgs<OwnedUserId>,
    JsonBody(filter): JsonBody<Object>,
) -> Result<Json<FilterId>> {
    require_self(&session, &user)?;
    Filter::from_object(&filter).map_err(|_| Error::bad_json("The filter is malformed"))?;
    let filter_id = state
        .homeserver()
        .user_data
        .put_filter(&session, filter)
        .await?;
    Ok(Json(FilterId { filter_id }))
}

/// A stored filter.
pub(crate) async fn get_filter(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs((user, filter)): PathArgs<(OwnedUserId, String)>,
) -> Result<Json<Object>> {
    require_self(&session, &user)?;
    Ok(Json(
        state
            .homeserver()
            .user_data
            .filter(&session, &filter)
            .await?,
    ))
}

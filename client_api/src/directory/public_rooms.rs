//! `GET` and `POST /_matrix/client/v3/publicRooms`:
//! <https://spec.matrix.org/v1.19/client-server-api/#published-room-directory>.

use axum::{Json, extract::State};
use gantry_homeserver::{PublicRooms, PublicRoomsQuery};
use gantry_model::{ErrorKind, id::OwnedServerName};
use serde::Deserialize;

use crate::{
    ClientApiState,
    auth::{OptionalSession, Session},
    error::{Error, Result},
    extract::{JsonBody, QueryArgs},
};

/// Which page, of whose directory.
#[derive(Debug, Deserialize)]
pub(crate) struct GetQuery {
    limit: Option<usize>,
    since: Option<String>,
    server: Option<OwnedServerName>,
}

/// Whose directory.
#[derive(Debug, Deserialize)]
pub(crate) struct PostQuery {
    server: Option<OwnedServerName>,
}

/// Which page, of which rooms.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Body {
    limit: Option<usize>,
    since: Option<String>,
    filter: Filter,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Filter {
    generic_search_term: Option<String>,
    room_types: Option<Vec<Option<String>>>,
}

/// A page of the directory. Ours is open to everybody; to have another server asked, one has to be
/// a user.
pub(crate) async fn get_public_rooms(
    State(state): State<ClientApiState>,
    OptionalSession(session): OptionalSession,
    QueryArgs(query): QueryArgs<GetQuery>,
) -> Result<Json<PublicRooms>> {
    if session.is_none() && query.server.is_some() {
        return Err(Error::Refused {
            kind: ErrorKind::MissingToken,
            reason: "Missing access token",
        });
    }
    let query = PublicRoomsQuery {
        limit: query.limit,
        since: query.since,
        server: query.server,
        ..PublicRoomsQuery::default()
    };
    Ok(Json(
        state.homeserver().directory.public_rooms(query).await?,
    ))
}

/// A page of the rooms of the directory that fit a search.
pub(crate) async fn query_public_rooms(
    State(state): State<ClientApiState>,
    Session(_): Session,
    QueryArgs(query): QueryArgs<PostQuery>,
    JsonBody(body): JsonBody<Body>,
) -> Result<Json<PublicRooms>> {
    let query = PublicRoomsQuery {
        limit: body.limit,
        since: body.since,
        search: body.filter.generic_search_term,
        room_types: body.filter.room_types,
        server: query.server,
    };
    Ok(Json(
        state.homeserver().directory.public_rooms(query).await?,
    ))
}

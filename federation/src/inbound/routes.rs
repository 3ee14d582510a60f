//! The routes, in the order of the specification's chapters.

use axum::{
    Router,
    middleware::from_fn,
    routing::{get, post, put},
};

use super::{
    events::{backfill, get_event, get_event_auth, get_missing_events},
    invite::{send_invite, send_invite_v1},
    join::{make_join, send_join, send_join_v1},
    keys::{get_server_keys, query_keys, query_server_keys},
    knock::{make_knock, send_knock},
    leave::{make_leave, send_leave, send_leave_v1},
    moment::get_event_by_timestamp,
    openid::request_openid_user_info,
    public_rooms::{get_public_rooms, query_public_rooms},
    queries::{get_version, query_directory, query_profile},
    state::{get_state, get_state_ids},
    third_party::{exchange_third_party_invite, on_bind_third_party_identifier},
    transaction::send_transaction,
};
use crate::{Federation, budget::with_slot};

/// The routes of the server-server API, with their full paths.
pub fn router(federation: Federation) -> Router {
    Router::new()
        .route("/_matrix/federation/v1/version", get(get_version))
        .route("/_matrix/key/v2/server", get(get_server_keys))
        .route("/_matrix/key/v2/server/{key_id}", get(get_server_keys))
        .route("/_matrix/key/v2/query", post(query_keys))
        .route(
            "/_matrix/key/v2/query/{server_name}",
            get(query_server_keys),
        )
        .route(
            "/_matrix/federation/v1/send/{txn_id}",
            put(send_transaction),
        )
        .route(
            "/_matrix/federation/v1/event_auth/{room_id}/{event_id}",
            get(get_event_auth),
        )
        .route("/_matrix/federation/v1/backfill/{room_id}", get(backfill))
        .route(
            "/_matrix/federation/v1/get_missing_events/{room_id}",
            post(get_missing_events),
        )
        .route("/_matrix/federation/v1/event/{event_id}", get(get_event))
        .route(
            "/_matrix/federation/v1/timestamp_to_event/{room_id}",
            get(get_event_by_timestamp),
        )
        .route("/_matrix/federation/v1/state/{room_id}", get(get_state))
        .route(
            "/_matrix/federation/v1/state_ids/{room_id}",
            get(get_state_ids),
        )
        .route(
            "/_matrix/federation/v1/make_join/{room_id}/{user_id}",
            get(make_join),
        )
        .route(
            "/_matrix/federation/v1/send_join/{room_id}/{event_id}",
            put(send_join_v1),
        )
        .route(
            "/_matrix/federation/v2/send_join/{room_id}/{event_id}",
            put(send_join),
        )
        .route(
            "/_matrix/federation/v1/make_knock/{room_id}/{user_id}",
            get(make_knock),
        )
        .route(
            "/_matrix/federation/v1/send_knock/{room_id}/{event_id}",
            put(send_knock),
        )
        .route(
            "/_matrix/federation/v1/invite/{room_id}/{event_id}",
            put(send_invite_v1),
        )
        .route(
            "/_matrix/federation/v2/invite/{room_id}/{event_id}",
            put(send_invite),
        )
        .route(
            "/_matrix/federation/v1/make_leave/{room_id}/{user_id}",
            get(make_leave),
        )
        .route(
            "/_matrix/federation/v1/send_leave/{room_id}/{event_id}",
            put(send_leave_v1),
        )
        .route(
            "/_matrix/federation/v2/send_leave/{room_id}/{event_id}",
            put(send_leave),
        )
        .route(
            "/_matrix/federation/v1/exchange_third_party_invite/{room_id}",
            put(exchange_third_party_invite),
        )
        .route(
            "/_matrix/federation/v1/3pid/onbind",
            put(on_bind_third_party_identifier),
        )
        .route(
            "/_matrix/federation/v1/publicRooms",
            get(get_public_rooms).post(query_public_rooms),
        )
        .route(
            "/_matrix/federation/v1/query/directory",
            get(query_directory),
        )
        .route(
            "/_matrix/federation/v1/openid/userinfo",
            get(request_openid_user_info),
        )
        .route("/_matrix/federation/v1/query/profile", get(query_profile))
        .layer(from_fn(with_slot))
        .with_state(federation)
}

//! The route table: one line per endpoint, grouped by the specification's chapters. What is not
//! here answers 404 `M_UNRECOGNIZED`.

use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{MethodRouter, delete, get, post, put},
};

use crate::{
    ClientApiState, account, address_limits::limit_addresses, device, directory, discovery, event,
    membership, presence, profile, room, routes_people, session, sync, user_data,
};

/// Below which prefixes a path is served.
pub(crate) type Prefixes = &'static [&'static str];

/// As it is.
pub(crate) const BARE: Prefixes = &[""];
/// Version 3, and its name before Matrix 1.1.
pub(crate) const V3: Prefixes = &["/_matrix/client/v3", "/_matrix/client/r0"];
/// Version 1, and what it was called while it was a proposal.
pub(crate) const V1: Prefixes = &["/_matrix/client/v1", "/_matrix/client/unstable"];
/// Version 3, and what MSC4133 added to it below its own name.
const PROFILE: Prefixes = &[
    "/_matrix/client/v3",
    "/_matrix/client/r0",
    "/_matrix/client/unstable/uk.tcpip.msc4133",
];

/// One endpoint.
pub(crate) struct Endpoint {
    prefixes: Prefixes,
    path: &'static str,
    handler: MethodRouter<ClientApiState>,
}

/// All routes of the client-server API.
pub fn router(state: ClientApiState) -> Router {
    let limits = from_fn_with_state(state.clone(), limit_addresses);
    table().route_layer(limits).with_state(state)
}

fn table() -> Router<ClientApiState> {
    let chapters = [
        discovery_endpoints(),
        session_endpoints(),
        account_endpoints(),
        user_data_endpoints(),
        event_endpoints(),
        room_endpoints(),
        membership_endpoints(),
        directory_endpoints(),
        profile_endpoints(),
        routes_people::endpoints(),
        routes_people::admin_endpoints(),
        routes_people::synapse_endpoints(),
    ];
    let mut router = Router::new();
    for endpoint in chapters.into_iter().flatten() {
        for prefix in endpoint.prefixes {
            let path = format!("{prefix}{}", endpoint.path);
            router = router.route(&path, endpoint.handler.clone());
        }
    }
    router
}

pub(crate) fn at(
    prefixes: Prefixes,
    path: &'static str,
    handler: MethodRouter<ClientApiState>,
) -> Endpoint {
    Endpoint {
        prefixes,
        path,
        handler,
    }
}

#[rustfmt::skip]
fn discovery_endpoints() -> Vec<Endpoint> {
    vec![
        at(BARE, "/_matrix/client/versions", get(discovery::get_versions)),
        at(BARE, "/.well-known/matrix/client", get(discovery::get_wellknown)),
        at(BARE, "/.well-known/matrix/server", get(discovery::get_wellknown_server)),
        at(V3, "/capabilities", get(discovery::get_capabilities)),
    ]
}

#[rustfmt::skip]
fn session_endpoints() -> Vec<Endpoint> {
    vec![
        at(V3, "/login", get(session::get_login_flows)),
        at(V3, "/login", post(session::login)),
        at(V3, "/logout", post(session::logout)),
        at(V3, "/logout/all", post(session::logout_all)),
    ]
}

#[rustfmt::skip]
fn account_endpoints() -> Vec<Endpoint> {
    vec![
        at(V3, "/register", post(account::register)),
        at(V3, "/register/available", get(account::check_username_availability)),
        at(BARE, "/_synapse/admin/v1/register", get(account::get_nonce)),
        at(BARE, "/_synapse/admin/v1/register", post(account::register_with_shared_secret)),
        at(V3, "/account/whoami", get(account::get_token_owner)),
        at(V3, "/account/password", post(account::change_password)),
        at(V3, "/account/deactivate", post(account::deactivate_account)),
        at(V3, "/devices", get(device::get_devices)),
        at(V3, "/devices/{device_id}", get(device::get_device)),
        at(V3, "/devices/{device_id}", put(device::update_device)),
        at(V3, "/devices/{device_id}", delete(device::delete_device)),
        at(V3, "/delete_devices", post(device::delete_devices)),
    ]
}

#[rustfmt::skip]
fn user_data_endpoints() -> Vec<Endpoint> {
    vec![
        at(V3, "/user/{user_id}/filter", post(user_data::define_filter)),
        at(V3, "/user/{user_id}/filter/{filter_id}", get(user_data::get_filter)),
        at(V3, "/user/{user_id}/account_data/{type}", get(user_data::get_account_data)),
        at(V3, "/user/{user_id}/account_data/{type}", put(user_data::set_account_data)),
        at(V3, "/user/{user_id}/rooms/{room_id}/account_data/{type}", get(user_data::get_account_data_per_room)),
        at(V3, "/user/{user_id}/rooms/{room_id}/account_data/{type}", put(user_data::set_account_data_per_room)),
        at(V3, "/user/{user_id}/rooms/{room_id}/tags", get(user_data::get_room_tags)),
        at(V3, "/user/{user_id}/rooms/{room_id}/tags/{tag}", put(user_data::set_room_tag)),
        at(V3, "/user/{user_id}/rooms/{room_id}/tags/{tag}", delete(user_data::delete_room_tag)),
        at(V3, "/rooms/{room_id}/receipt/{receipt_type}/{event_id}", post(user_data::post_receipt)),
        at(V3, "/rooms/{room_id}/read_markers", post(user_data::set_read_marker)),
        at(BARE, "/_matrix/client/unstable/io.element.msc4306/rooms/{room_id}/thread/{event_id}/subscription", get(user_data::get_thread_subscription)),
        at(BARE, "/_matrix/client/unstable/io.element.msc4306/rooms/{room_id}/thread/{event_id}/subscription", put(user_data::set_thread_subscription)),
        at(BARE, "/_matrix/client/unstable/io.element.msc4306/rooms/{room_id}/thread/{event_id}/subscription", delete(user_data::delete_thread_subscription)),
        at(V3, "/presence/{user_id}/status", get(presence::get_presence)),
        at(V3, "/presence/{user_id}/status", put(presence::set_presence)),
        at(V3, "/rooms/{room_id}/typing/{user_id}", put(user_data::set_typing)),
        at(V3, "/pushrules", get(user_data::get_push_rules)),
        at(V3, "/pushrules/", get(user_data::get_push_rules)),
        at(V3, "/pushrules/global", get(user_data::get_push_rules_global)),
        at(V3, "/pushrules/global/", get(user_data::get_push_rules_global)),
        at(V3, "/pushrules/global/{kind}/{rule_id}", get(user_data::get_push_rule)),
        at(V3, "/pushrules/global/{kind}/{rule_id}", put(user_data::set_push_rule)),
        at(V3, "/pushrules/global/{kind}/{rule_id}", delete(user_data::delete_push_rule)),
        at(V3, "/pushrules/global/{kind}/{rule_id}/enabled", get(user_data::is_push_rule_enabled)),
        at(V3, "/pushrules/global/{kind}/{rule_id}/enabled", put(user_data::set_push_rule_enabled)),
        at(V3, "/pushrules/global/{kind}/{rule_id}/actions", get(user_data::get_push_rule_actions)),
        at(V3, "/pushrules/global/{kind}/{rule_id}/actions", put(user_data::set_push_rule_actions)),
        at(V3, "/notifications", get(user_data::get_notifications)),
    ]
}

#[rustfmt::skip]
fn event_endpoints() -> Vec<Endpoint> {
    vec![
        at(V3, "/sync", get(sync::sync)),
        at(V3, "/search", post(event::search)),
        at(V3, "/rooms/{room_id}/send/{event_type}/{txn_id}", put(event::send_message)),
        at(BARE, "/_matrix/client/unstable/org.matrix.msc4140/delayed_events", get(event::get_delayed_events)),
        at(BARE, "/_matrix/client/unstable/org.matrix.msc4140/delayed_events/{delay_id}", post(event::update_delayed_event_by_body)),
        at(BARE, "/_matrix/client/unstable/org.matrix.msc4140/delayed_events/{delay_id}/{action}", post(event::update_delayed_event)),
        at(V3, "/rooms/{room_id}/redact/{event_id}/{txn_id}", put(event::redact_event)),
        at(V3, "/rooms/{room_id}/state", get(event::get_room_state)),
        at(V3, "/rooms/{room_id}/state/{event_type}", get(event::get_room_state_with_key)),
        at(V3, "/rooms/{room_id}/state/{event_type}", put(event::set_room_state_with_key)),
        at(V3, "/rooms/{room_id}/state/{event_type}/", get(event::get_room_state_with_key)),
        at(V3, "/rooms/{room_id}/state/{event_type}/", put(event::set_room_state_with_key)),
        at(V3, "/rooms/{room_id}/state/{event_type}/{state_key}", get(event::get_room_state_with_key)),
        at(V3, "/rooms/{room_id}/state/{event_type}/{state_key}", put(event::set_room_state_with_key)),
        at(V3, "/rooms/{room_id}/event/{event_id}", get(event::get_one_room_event)),
        at(V3, "/rooms/{room_id}/messages", get(event::get_room_events)),
        at(V3, "/rooms/{room_id}/members", get(event::get_members_by_room)),
        at(V3, "/rooms/{room_id}/joined_members", get(event::get_joined_members_by_room)),
        at(V3, "/rooms/{room_id}/context/{event_id}", get(event::get_event_context)),
        at(V1, "/rooms/{room_id}/threads", get(event::get_thread_roots)),
        at(V1, "/rooms/{room_id}/timestamp_to_event", get(event::get_event_by_timestamp)),
        at(V1, "/rooms/{room_id}/relations/{event_id}", get(event::get_relating_events)),
        at(V1, "/rooms/{room_id}/relations/{event_id}/{rel_type}", get(event::get_relating_events)),
        at(V1, "/rooms/{room_id}/relations/{event_id}/{rel_type}/{event_type}", get(event::get_relating_events)),
    ]
}

#[rustfmt::skip]
fn room_endpoints() -> Vec<Endpoint> {
    vec![
        at(V3, "/createRoom", post(room::create_room)),
        at(V3, "/joined_rooms", get(room::get_joined_rooms)),
        at(V3, "/rooms/{room_id}/upgrade", post(room::upgrade_room)),
        at(V1, "/room_summary/{room_id_or_alias}", get(room::get_room_summary)),
        at(BARE, "/_matrix/client/unstable/im.nheko.summary/rooms/{room_id_or_alias}/summary", get(room::get_room_summary)),
        at(BARE, "/_matrix/client/unstable/im.nheko.summary/summary/{room_id_or_alias}", get(room::get_room_summary)),
        at(V1, "/mutual_rooms", get(room::get_mutual_rooms)),
        at(BARE, "/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms", get(room::get_mutual_rooms)),
        at(V3, "/rooms/{room_id}/aliases", get(directory::get_local_aliases)),
    ]
}

#[rustfmt::skip]
fn membership_endpoints() -> Vec<Endpoint> {
    vec![
        at(V3, "/join/{room_id_or_alias}", post(membership::join_room)),
        at(V3, "/rooms/{room_id}/join", post(membership::join_room)),
        at(V3, "/knock/{room_id_or_alias}", post(membership::knock_room)),
        at(V3, "/rooms/{room_id}/invite", post(membership::invite_user)),
        at(V3, "/rooms/{room_id}/leave", post(membership::leave_room)),
        at(V3, "/rooms/{room_id}/forget", post(membership::forget_room)),
        at(V3, "/rooms/{room_id}/kick", post(membership::kick)),
        at(V3, "/rooms/{room_id}/ban", post(membership::ban)),
        at(V3, "/rooms/{room_id}/unban", post(membership::unban)),
    ]
}

#[rustfmt::skip]
fn directory_endpoints() -> Vec<Endpoint> {
    vec![
        at(V3, "/directory/room/{room_alias}", get(directory::get_room_id_by_alias)),
        at(V3, "/directory/room/{room_alias}", put(directory::set_room_alias)),
        at(V3, "/directory/room/{room_alias}", delete(directory::delete_room_alias)),
        at(V3, "/directory/list/room/{room_id}", get(directory::get_room_visibility)),
        at(V3, "/directory/list/room/{room_id}", put(directory::set_room_visibility)),
        at(V3, "/publicRooms", get(directory::get_public_rooms)),
        at(V3, "/publicRooms", post(directory::query_public_rooms)),
    ]
}

#[rustfmt::skip]
fn profile_endpoints() -> Vec<Endpoint> {
    vec![
        at(PROFILE, "/profile/{user_id}", get(profile::get_user_profile)),
        at(PROFILE, "/profile/{user_id}/{field}", get(profile::get_profile_field)),
        at(PROFILE, "/profile/{user_id}/{field}", put(profile::set_profile_field)),
        at(PROFILE, "/profile/{user_id}/{field}", delete(profile::delete_profile_field)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_endpoints_want_the_same_place() {
        // The router panics if they do.
        assert!(table().has_routes());
    }
}

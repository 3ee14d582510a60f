//! The rest of the route table: accounts, other people and administration.

use axum::routing::{delete, get, post, put};

use crate::{
    account, admin, discovery, people,
    routes::{BARE, Endpoint, Prefixes, V1, V3, at},
    session, user_data,
};

/// MSC3391.
const MSC3391: Prefixes = &[
    "/_matrix/client/unstable/org.matrix.msc3391",
    "/_matrix/client/v3",
];
/// Version 1, and MSC4323 while it was a proposal.
const MODERATION: Prefixes = &[
    "/_matrix/client/v1",
    "/_matrix/client/unstable/uk.timedout.msc4323",
];
/// Synapse's admin API.
const SYNAPSE_1: Prefixes = &["/_synapse/admin/v1"];
/// Synapse's admin API, version 2.
const SYNAPSE_2: Prefixes = &["/_synapse/admin/v2"];

#[rustfmt::skip]
pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        at(BARE, "/.well-known/matrix/support", get(discovery::get_wellknown_support)),
        at(V3, "/refresh", post(session::refresh)),
        at(V1, "/login/get_token", post(session::generate_login_token)),
        at(V1, "/register/m.login.registration_token/validity", get(account::registration_token_validity)),
        at(V3, "/register/email/requestToken", post(account::request_email_to_register)),
        at(V3, "/register/msisdn/requestToken", post(account::request_msisdn)),
        at(V3, "/account/password/email/requestToken", post(account::request_email_to_reset)),
        at(V3, "/account/password/msisdn/requestToken", post(account::request_msisdn)),
        at(V3, "/account/3pid/email/requestToken", post(account::request_email_to_3pid)),
        at(V3, "/account/3pid/msisdn/requestToken", post(account::request_msisdn)),
        at(V3, "/account/3pid", get(account::get_account_3pids)),
        at(V3, "/account/3pid", post(account::bind_3pid)),
        at(V3, "/account/3pid/add", post(account::add_3pid)),
        at(V3, "/account/3pid/bind", post(account::bind_3pid)),
        at(V3, "/account/3pid/delete", post(account::delete_3pid)),
        at(V3, "/account/3pid/unbind", post(account::unbind_3pid)),
        at(BARE, "/_gantry/email/confirm", get(account::show_confirmation)),
        at(BARE, "/_gantry/email/confirm", post(account::confirm_email)),
        at(V3, "/auth/{stage}/fallback/web", get(account::show_stage)),
        at(V3, "/auth/{stage}/fallback/web", post(account::finish_stage)),
        at(V3, "/user/{user_id}/openid/request_token", post(account::request_openid_token)),
        at(MSC3391, "/user/{user_id}/account_data/{type}", delete(user_data::delete_account_data)),
        at(MSC3391, "/user/{user_id}/rooms/{room_id}/account_data/{type}", delete(user_data::delete_account_data_per_room)),
        at(V3, "/user_directory/search", post(people::search_user_directory)),
        at(V3, "/rooms/{room_id}/report", post(people::report_room)),
        at(V3, "/rooms/{room_id}/report/{event_id}", post(people::report_event)),
        at(V3, "/users/{user_id}/report", post(people::report_user)),
        at(V3, "/thirdparty/protocols", get(people::get_protocols)),
        at(V3, "/thirdparty/protocol/{protocol}", get(people::get_protocol)),
        at(V3, "/thirdparty/location", get(people::get_matches)),
        at(V3, "/thirdparty/location/{protocol}", get(people::get_matches)),
        at(V3, "/thirdparty/user", get(people::get_matches)),
        at(V3, "/thirdparty/user/{protocol}", get(people::get_matches)),
    ]
}

#[rustfmt::skip]
pub(crate) fn admin_endpoints() -> Vec<Endpoint> {
    vec![
        at(V3, "/admin/whois/{user_id}", get(admin::whois)),
        at(MODERATION, "/admin/lock/{user_id}", get(admin::get_lock)),
        at(MODERATION, "/admin/lock/{user_id}", put(admin::set_lock)),
        at(MODERATION, "/admin/suspend/{user_id}", get(admin::get_suspend)),
        at(MODERATION, "/admin/suspend/{user_id}", put(admin::set_suspend)),
    ]
}

#[rustfmt::skip]
pub(crate) fn synapse_endpoints() -> Vec<Endpoint> {
    vec![
        at(SYNAPSE_1, "/server_version", get(admin::get_server_version)),
        at(SYNAPSE_1, "/whois/{user_id}", get(admin::whois)),
        at(SYNAPSE_2, "/users", get(admin::get_users)),
        at(SYNAPSE_2, "/users/{user_id}", get(admin::get_user)),
        at(SYNAPSE_2, "/users/{user_id}", put(admin::put_user)),
        at(SYNAPSE_2, "/users/{user_id}/devices", get(admin::get_devices)),
        at(SYNAPSE_2, "/users/{user_id}/delete_devices", post(admin::delete_devices)),
        at(SYNAPSE_1, "/deactivate/{user_id}", post(admin::deactivate)),
        at(SYNAPSE_1, "/reset_password/{user_id}", post(admin::reset_password)),
        at(SYNAPSE_1, "/suspend/{user_id}", put(admin::suspend)),
        at(SYNAPSE_1, "/users/{user_id}/admin", get(admin::get_user_admin)),
        at(SYNAPSE_1, "/users/{user_id}/admin", put(admin::set_user_admin)),
        at(SYNAPSE_1, "/users/{user_id}/joined_rooms", get(admin::get_user_joined_rooms)),
        at(SYNAPSE_1, "/registration_tokens", get(admin::get_registration_tokens)),
        at(SYNAPSE_1, "/registration_tokens/new", post(admin::create_registration_token)),
        at(SYNAPSE_1, "/registration_tokens/{token}", delete(admin::delete_registration_token)),
        at(SYNAPSE_1, "/event_reports", get(admin::get_event_reports)),
        at(SYNAPSE_1, "/event_reports/{id}", get(admin::get_event_report)),
        at(SYNAPSE_1, "/event_reports/{id}", delete(admin::delete_event_report)),
        at(SYNAPSE_1, "/rooms", get(admin::get_rooms)),
        at(SYNAPSE_1, "/rooms/{room_id}", get(admin::get_room)),
        at(SYNAPSE_1, "/rooms/{room_id}/members", get(admin::get_room_members)),
        at(SYNAPSE_1, "/rooms/{room_id}/state", get(admin::get_room_state)),
        at(SYNAPSE_1, "/rooms/{room_id}/block", get(admin::get_room_block)),
        at(SYNAPSE_1, "/rooms/{room_id}/block", put(admin::set_room_block)),
        at(SYNAPSE_1, "/join/{room_id}", post(admin::join_user)),
        at(SYNAPSE_1, "/purge_history/{room_id}", post(admin::purge_history)),
        at(SYNAPSE_1, "/purge_history/{room_id}/{event_id}", post(admin::purge_history)),
        at(SYNAPSE_1, "/purge_history_status/{purge_id}", get(admin::get_purge_status)),
        at(SYNAPSE_1, "/rooms/{room_id}", delete(admin::delete_room_now)),
        at(SYNAPSE_2, "/rooms/{room_id}", delete(admin::delete_room)),
        at(SYNAPSE_2, "/rooms/{room_id}/delete_status", get(admin::get_delete_statuses)),
        at(SYNAPSE_2, "/rooms/delete_status/{delete_id}", get(admin::get_delete_status)),
    ]
}

//! Every route, one line each.

use axum::extract::DefaultBodyLimit;
use axum::routing::{MethodRouter, any, get, post};
use axum::{Extension, Router};

use crate::ddp::{sockjs_info, sockjs_websocket, websocket};
use crate::error::Error;
use crate::map::RoomType;
use crate::rest::{chat, fixed, info, people, rooms, rooms_write, settings, subscriptions};
use crate::state::RocketchatState;

/// The routes of this surface: `/api`, `/websocket` and `/sockjs`.
pub fn router(state: RocketchatState) -> Router {
    let mut router = Router::new()
        .route("/api/info", get(info::info))
        .route("/api/v1/info", get(info::info))
        // Authentication
        .route("/api/v1/login", post(info::login))
        .route("/api/v1/logout", post(info::logout).get(info::logout))
        .route("/api/v1/me", get(info::me))
        // Users
        .route("/api/v1/users.register", post(info::users_register))
        .route("/api/v1/users.info", get(people::users_info))
        .route("/api/v1/users.list", get(people::users_list))
        // Settings, permissions, roles, commands
        .route("/api/v1/settings.public", get(settings::settings_public))
        .route("/api/v1/settings.oauth", get(fixed::settings_oauth))
        .route("/api/v1/settings/{id}", get(settings::setting))
        .route(
            "/api/v1/permissions.listAll",
            get(fixed::permissions_list_all),
        )
        .route("/api/v1/roles.list", get(fixed::roles_list))
        .route("/api/v1/commands.list", get(fixed::commands_list))
        // Chat
        .route("/api/v1/chat.sendMessage", post(chat::chat_send_message))
        .route("/api/v1/chat.postMessage", post(chat::chat_post_message))
        .route("/api/v1/chat.getMessage", get(chat::chat_get_message))
        .route("/api/v1/chat.update", post(chat::chat_update))
        .route("/api/v1/chat.delete", post(chat::chat_delete))
        .route("/api/v1/chat.react", post(chat::chat_react))
        // Rooms and subscriptions
        .route("/api/v1/rooms.get", get(subscriptions::rooms_get))
        .route("/api/v1/rooms.info", get(rooms::rooms_info))
        .route("/api/v1/rooms.leave", post(rooms_write::rooms_leave))
        .route(
            "/api/v1/subscriptions.get",
            get(subscriptions::subscriptions_get),
        )
        .route(
            "/api/v1/subscriptions.getOne",
            get(subscriptions::subscriptions_get_one),
        )
        .route(
            "/api/v1/subscriptions.read",
            post(subscriptions::subscriptions_read),
        )
        .route("/api/v1/channels.list", get(rooms::list))
        .route("/api/v1/im.create", post(rooms_write::im_create))
        .route("/api/v1/dm.create", post(rooms_write::im_create))
        // DDP
        .route("/websocket", get(websocket))
        .route("/sockjs/info", get(sockjs_info))
        .route(
            "/sockjs/{server}/{session}/websocket",
            get(sockjs_websocket),
        );
    for (path, family, handler) in family_routes() {
        router = router.route(&path, handler.layer(Extension(family)));
    }
    router
        .route("/api/v1/{*path}", any(unknown))
        .layer(DefaultBodyLimit::max(1024 * 1024))
        .with_state(state)
}

type Handler = MethodRouter<RocketchatState>;

/// The families that have a call, by their letters, its name, and what works it off.
type FamilyCall = (&'static str, &'static str, fn() -> Handler);

/// The calls that exist for several types of room.
fn family_routes() -> Vec<(String, RoomType, Handler)> {
    let calls: [FamilyCall; 11] = [
        ("cgid", "info", || get(rooms::info)),
        ("cgid", "history", || get(rooms::history)),
        ("cgid", "messages", || get(rooms::messages)),
        ("cgid", "members", || get(rooms::members)),
        ("gid", "list", || get(rooms::list_joined)),
        ("c", "list.joined", || get(rooms::list_joined)),
        ("cg", "create", || post(rooms_write::create)),
        ("c", "join", || post(rooms_write::join)),
        ("cg", "leave", || post(rooms_write::leave)),
        ("cg", "invite", || post(rooms_write::invite)),
        ("cg", "kick", || post(rooms_write::kick)),
    ];
    let families = [
        ('c', "channels", RoomType::Channel),
        ('g', "groups", RoomType::Group),
        ('i', "im", RoomType::Direct),
        ('d', "dm", RoomType::Direct),
    ];
    let mut routes = Vec::new();
    for (of, call, handler) in calls {
        for (letter, prefix, family) in families {
            if of.contains(letter) {
                routes.push((format!("/api/v1/{prefix}.{call}"), family, handler()));
            }
        }
    }
    routes
}

async fn unknown() -> Error {
    Error::no_path()
}

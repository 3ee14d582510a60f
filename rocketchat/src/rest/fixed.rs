//! What does not change while the server runs: permissions, roles, commands, ways to log in.

use serde::Serialize;

use super::dto::{Changes, PageOf};
use super::reply::Reply;
use super::session::RcSession;
use crate::map::Date;

/// Permissions and the roles that have them. They say what clients offer; what is allowed is
/// decided by the rooms.
const PERMISSIONS: &[(&str, &[&str])] = &[
    ("add-user-to-any-c-room", &["admin"]),
    ("add-user-to-any-p-room", &["admin"]),
    ("add-user-to-joined-room", &["admin", "owner", "moderator"]),
    ("create-c", &["admin", "user"]),
    ("create-d", &["admin", "user"]),
    ("create-p", &["admin", "user"]),
    ("delete-message", &["admin", "owner", "moderator"]),
    ("delete-own-message", &["admin", "user"]),
    ("edit-message", &[]),
    ("edit-room", &["admin", "owner", "moderator"]),
    ("force-delete-message", &["admin", "owner"]),
    ("leave-c", &["admin", "user"]),
    ("leave-p", &["admin", "user"]),
    ("mention-all", &["admin", "owner", "moderator", "user"]),
    ("mention-here", &["admin", "owner", "moderator", "user"]),
    ("post-readonly", &["admin", "owner", "moderator"]),
    ("remove-user", &["admin", "owner", "moderator"]),
    ("view-c-room", &["admin", "user"]),
    ("view-d-room", &["admin", "user"]),
    ("view-history", &["admin", "user"]),
    ("view-joined-room", &["admin", "user"]),
    ("view-p-room", &["admin", "user"]),
];

const ROLES: &[(&str, &str, &str)] = &[
    ("admin", "Users", "Admin"),
    ("user", "Users", "User"),
    ("guest", "Users", "Guest"),
    ("owner", "Subscriptions", "Owner"),
    ("moderator", "Subscriptions", "Moderator"),
];

/// A permission.
#[derive(Serialize)]
pub(crate) struct Permission {
    #[serde(rename = "_id")]
    id: &'static str,
    roles: &'static [&'static str],
    #[serde(rename = "_updatedAt")]
    updated_at: Date,
}

/// The roles.
#[derive(Serialize)]
pub(crate) struct RolesReply {
    roles: Vec<Role>,
}

/// A role.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Role {
    #[serde(rename = "_id")]
    id: &'static str,
    name: &'static str,
    scope: &'static str,
    description: &'static str,
    mandatory2fa: bool,
    protected: bool,
    #[serde(rename = "_updatedAt")]
    updated_at: Date,
}

/// The commands.
#[derive(Serialize)]
pub(crate) struct CommandsPage {
    commands: [(); 0],
    #[serde(flatten)]
    page: PageOf,
}

/// The other ways to log in.
#[derive(Serialize)]
pub(crate) struct OauthReply {
    services: [(); 0],
}

/// `GET permissions.listAll`.
pub(crate) async fn permissions_list_all(_: RcSession) -> Reply<Changes<Permission>> {
    let all = PERMISSIONS.iter();
    let update = all
        .map(|(id, roles)| Permission {
            id,
            roles,
            updated_at: Date(0),
        })
        .collect();
    Reply(Changes {
        update,
        remove: Vec::new(),
    })
}

/// `GET roles.list`.
pub(crate) async fn roles_list(_: RcSession) -> Reply<RolesReply> {
    let role = |(id, scope, description): &(&'static str, &'static str, &'static str)| Role {
        id,
        name: id,
        scope,
        description,
        mandatory2fa: false,
        protected: true,
        updated_at: Date(0),
    };
    Reply(RolesReply {
        roles: ROLES.iter().map(role).collect(),
    })
}

/// `GET commands.list`: there are none.
pub(crate) async fn commands_list(_: RcSession) -> Reply<CommandsPage> {
    Reply(CommandsPage {
        commands: [],
        page: PageOf::default(),
    })
}

/// `GET settings.oauth`: there are none.
pub(crate) async fn settings_oauth() -> Reply<OauthReply> {
    Reply(OauthReply { services: [] })
}

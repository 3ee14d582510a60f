//! The rooms of a user, for surfaces that show them as a list.

use std::sync::Arc;

use gantry_accounts::Session;
use gantry_model::id::RoomId;
use gantry_rooms::{Membership, MembershipRow, OutOfBand, RoomView};

use crate::{Error, Result, core::Core};

/// Rooms of a user as a list.
#[derive(Clone)]
pub struct RoomLists {
    core: Arc<Core>,
}

impl RoomLists {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// The rooms that the user is in, as they are now.
    pub async fn rooms_of(&self, session: &Session) -> Result<Vec<(MembershipRow, RoomView)>> {
        let mut rooms = Vec::new();
        for row in self.core.rooms.memberships(&session.user_id).await? {
            if row.membership == Membership::Join
                && let Some(view) = self.core.rooms.view(&row.room_id).await?
            {
                rooms.push((row, view));
            }
        }
        Ok(rooms)
    }

    /// All memberships of the user, left rooms too.
    pub async fn memberships(&self, session: &Session) -> Result<Vec<MembershipRow>> {
        Ok(self.core.rooms.memberships(&session.user_id).await?)
    }

    /// Invites to and knocks on rooms that this server is not in.
    pub async fn outside(&self, session: &Session) -> Result<Vec<OutOfBand>> {
        Ok(self.core.rooms.out_of_band(&session.user_id).await?)
    }

    /// A room that the user is in.
    pub async fn view(&self, session: &Session, room: &RoomId) -> Result<RoomView> {
        self.core.joined_view(&session.user_id, room).await
    }

    /// A room that the user is in, is invited to, or that is open to everybody: one may join it,
    /// or read it.
    pub async fn view_any(&self, session: &Session, room: &RoomId) -> Result<RoomView> {
        let view = self.core.rooms.view(room).await?;
        view.filter(|view| {
            let membership = view.membership(&session.user_id);
            matches!(membership, Some(Membership::Join | Membership::Invite)) || is_open(view)
        })
        .ok_or_else(|| Error::not_found("No such room"))
    }
}

/// Whether anybody may join or read the room.
fn is_open(view: &RoomView) -> bool {
    let public = view
        .state("m.room.join_rules", "")
        .is_some_and(|pdu| pdu.content_str("join_rule") == Some("public"));
    let readable = view
        .state("m.room.history_visibility", "")
        .is_some_and(|pdu| pdu.content_str("history_visibility") == Some("world_readable"));
    public || readable
}

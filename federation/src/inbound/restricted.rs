//! Rooms that only members of other rooms may join (room versions 8 and later).
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#restricted-rooms>.

use gantry_model::{
    Object, Value,
    id::{OwnedRoomId, OwnedUserId, UserId},
};
use gantry_rooms::{Membership, RoomView};

use crate::{
    Error, Federation, Result,
    wire::{room_id, text},
};

/// The most conditions that are looked at.
const MAX_CONDITIONS: usize = 50;

impl Federation {
    /// Who of our users vouches for the join of a user, where the room asks for that. `None`: the
    /// join needs nobody, or the rules will refuse it anyway.
    pub(crate) async fn voucher(
        &self,
        view: &RoomView,
        user: &UserId,
    ) -> Result<Option<OwnedUserId>> {
        if !needs_voucher(view, user) {
            return Ok(None);
        }
        self.require_condition(view, user).await?;
        let levels = view.power_levels().ok_or(Error::UnableToAuthorizeJoin)?;
        let needed = levels.invite();
        let identity = self.rooms().identity();
        let voucher = view
            .joined()
            .into_iter()
            .filter(|member| identity.is_local(member))
            .find(|member| levels.for_user(member) >= needed);
        voucher.map(Some).ok_or(Error::UnableToAuthorizeJoin)
    }

    /// Whether the user is in one of the rooms that the join rules name.
    async fn require_condition(&self, view: &RoomView, user: &UserId) -> Result<()> {
        let mut is_certain = true;
        for room in allowed_rooms(view) {
            match self
                .rooms()
                .view(&room)
                .await?
                .filter(RoomView::is_joined_locally)
            {
                Some(other) if other.membership(user) == Some(Membership::Join) => return Ok(()),
                Some(_) => {}
                None => is_certain = false,
            }
        }
        if is_certain {
            Err(Error::Forbidden(
                "the user is in none of the rooms that the join rules name",
            ))
        } else {
            Err(Error::UnableToAuthorizeJoin)
        }
    }
}

/// Whether the join of a user is one that the room's rules leave to other rooms.
fn needs_voucher(view: &RoomView, user: &UserId) -> bool {
    let rules = view.rules();
    let is_restricted = match view.join_rule().as_str() {
        "restricted" => rules.restricted,
        "knock_restricted" => rules.knock_restricted,
        _ => false,
    };
    is_restricted
        && !matches!(
            view.membership(user),
            Some(Membership::Join | Membership::Invite | Membership::Ban)
        )
}

fn allowed_rooms(view: &RoomView) -> Vec<OwnedRoomId> {
    let rules = view.state("m.room.join_rules", "");
    let conditions = rules
        .as_ref()
        .and_then(|rules| rules.content().get("allow"))
        .and_then(Value::as_array)
        .unwrap_or_default();
    let room = |condition: &Object| {
        (text(condition, "type") == Some("m.room_membership"))
            .then(|| text(condition, "room_id").and_then(room_id))
            .flatten()
    };
    conditions
        .iter()
        .take(MAX_CONDITIONS)
        .filter_map(Value::as_object)
        .filter_map(room)
        .collect()
}

//! Power levels.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#mroompower_levels>.

mod levels;

use std::sync::Arc;

use gantry_model::{
    Pdu,
    id::{OwnedUserId, UserId},
};

pub(crate) use levels::{Field, Levels, level};

use crate::view::Create;

/// The level of the creator as long as there is no power levels event.
const DEFAULT_CREATOR_LEVEL: i64 = 100;

/// Who may do what in a room: its power levels event, or what holds without one.
#[derive(Debug, Clone)]
pub struct PowerLevels {
    create: Arc<Create>,
    privileged_creators: bool,
    levels: Option<Arc<Levels>>,
}

impl PowerLevels {
    /// The power levels of a room from its create event and its power levels event, if there is
    /// one. Values that cannot be read count as absent; until room version 9 levels may be written
    /// as text.
    pub fn of(create: &Pdu, power_levels: Option<&Pdu>) -> Self {
        Self::from_parts(
            Arc::new(Create::parse(create)),
            create.rules().privileged_creators,
            power_levels.map(|pdu| Arc::new(Levels::parse(pdu))),
        )
    }

    pub(crate) fn from_parts(
        create: Arc<Create>,
        privileged_creators: bool,
        levels: Option<Arc<Levels>>,
    ) -> Self {
        Self {
            create,
            privileged_creators,
            levels,
        }
    }

    /// The level of a user; `i64::MAX` for the creators of rooms from version 12 on.
    pub fn for_user(&self, user: &UserId) -> i64 {
        if self.privileged_creators && self.create.is_creator(user) {
            return i64::MAX;
        }
        match &self.levels {
            Some(levels) => levels.user(user),
            None if self.create.is_creator(user) => DEFAULT_CREATOR_LEVEL,
            None => 0,
        }
    }

    /// The level that sending an event of this type needs.
    pub fn required_for(&self, kind: &str, is_state: bool) -> i64 {
        let field = if is_state {
            Field::StateDefault
        } else {
            Field::EventsDefault
        };
        self.levels
            .as_ref()
            .and_then(|levels| levels.events.get(kind).copied())
            .unwrap_or_else(|| self.field(field))
    }

    /// The level that banning needs.
    pub fn ban(&self) -> i64 {
        self.field(Field::Ban)
    }

    /// The level that kicking needs.
    pub fn kick(&self) -> i64 {
        self.field(Field::Kick)
    }

    /// The level that inviting needs.
    pub fn invite(&self) -> i64 {
        self.field(Field::Invite)
    }

    /// The level that redacting other users' events needs.
    pub fn redact(&self) -> i64 {
        self.field(Field::Redact)
    }

    /// The level that notifying the whole room needs.
    pub fn notifications_room(&self) -> i64 {
        const DEFAULT: i64 = 50;
        self.levels
            .as_ref()
            .and_then(|levels| levels.notifications.get("room").copied())
            .unwrap_or(DEFAULT)
    }

    /// The creators of the room.
    pub(crate) fn creators(&self) -> impl Iterator<Item = &OwnedUserId> {
        self.create.creators()
    }

    fn field(&self, field: Field) -> i64 {
        self.levels
            .as_ref()
            .and_then(|levels| levels.field(field))
            .unwrap_or_else(|| field.default_level())
    }
}

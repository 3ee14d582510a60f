//! What a check finds.

use std::fmt;

use gantry_model::id::OwnedRoomId;

/// Findings that are kept; more are only counted.
const MOST: usize = 1000;

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The room, if it concerns one.
    pub room: Option<OwnedRoomId>,
    /// What it concerns: a log entry, a state event, a row.
    pub place: String,
    /// What is wrong with it.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(room) = &self.room {
            write!(formatter, "{room}: ")?;
        }
        write!(formatter, "{}: {}", self.place, self.what)
    }
}

/// What a check looked at, and what it found.
#[derive(Debug, Clone, Default)]
pub struct Checked {
    /// Rooms.
    pub rooms: u64,
    /// State events, outliers and rejected ones among them.
    pub state_events: u64,
    /// Log entries.
    pub entries: u64,
    /// State groups.
    pub groups: u64,
    /// Rows of projections.
    pub rows: u64,
    /// The first 1,000 findings.
    pub findings: Vec<Finding>,
    /// How many more there are.
    pub more: u64,
}

impl Checked {
    /// Whether everything is as it must be.
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }

    pub(super) fn find(
        &mut self,
        room: Option<&OwnedRoomId>,
        place: impl Into<String>,
        what: impl Into<String>,
    ) {
        if self.findings.len() == MOST {
            self.more += 1;
            return;
        }
        self.findings.push(Finding {
            room: room.cloned(),
            place: place.into(),
            what: what.into(),
        });
    }

    pub(super) fn add(&mut self, other: Self) {
        self.rooms += other.rooms;
        self.state_events += other.state_events;
        self.entries += other.entries;
        self.groups += other.groups;
        self.rows += other.rows;
        self.more += other.more;
        let free = MOST - self.findings.len();
        self.more += other.findings.len().saturating_sub(free) as u64;
        self.findings.extend(other.findings.into_iter().take(free));
    }
}

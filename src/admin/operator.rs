//! Carrying out what an administrator asks for.

use std::fmt::Write as _;

use gantry_model::id::OwnedServerName;
use gantry_rooms::{Checked, Rooms, Upkeep};
use gantry_store::Store;
use serde::{Deserialize, Serialize};

use super::{AdminError, Request, rooms};

/// What is told to the administrator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// For the standard output.
    pub text: String,
    /// Whether all is well: otherwise the command ends with the exit code 1.
    pub is_well: bool,
}

impl Answer {
    fn well(text: String) -> Self {
        Self {
            text,
            is_well: true,
        }
    }
}

/// Carries out requests on one store.
#[derive(Clone)]
pub struct Operator {
    store: Store,
    server_name: OwnedServerName,
    /// `None`: the store is only read.
    rooms: Option<Rooms>,
}

impl Operator {
    /// On a store that is open; without the rooms, only what reads can be asked for.
    pub fn new(store: Store, server_name: OwnedServerName, rooms: Option<Rooms>) -> Self {
        Self {
            store,
            server_name,
            rooms,
        }
    }

    /// Carries out one request.
    pub async fn run(&self, request: Request) -> Result<Answer, AdminError> {
        match request {
            Request::Backup { folder } => {
                let moved = self.store.backup(&folder).await?;
                Ok(Answer::well(format!(
                    "{} documents of {} tables, {} bytes, in {}\n",
                    moved.documents,
                    moved.tables,
                    moved.bytes,
                    folder.display()
                )))
            }
            Request::Rooms(request) => {
                let rooms = self.rooms.as_ref().ok_or(AdminError::ReadOnly)?;
                Ok(Answer::well(rooms::run(rooms, request).await?))
            }
            Request::Check => {
                let upkeep = Upkeep::new(self.store.clone(), self.server_name.clone());
                let checked = upkeep.check().await?;
                Ok(Answer {
                    text: report(&checked),
                    is_well: checked.is_sound(),
                })
            }
        }
    }
}

/// What a check has found, one line per finding, and what it looked at.
fn report(checked: &Checked) -> String {
    let mut text = String::new();
    for finding in &checked.findings {
        // Writing to a string cannot fail.
        writeln!(text, "{finding}").unwrap_or_default();
    }
    if checked.more > 0 {
        writeln!(text, "... and {} more", checked.more).unwrap_or_default();
    }
    let found = checked.findings.len() as u64 + checked.more;
    writeln!(
        text,
        "{} rooms, {} log entries, {} state events, {} state groups, {} rows: {found} findings",
        checked.rooms, checked.entries, checked.state_events, checked.groups, checked.rows,
    )
    .unwrap_or_default();
    text
}

//! Other people: finding them, reporting them, and those of other networks.

mod report;
mod search_user_directory;
mod thirdparty;

pub(crate) use report::{report_event, report_room, report_user};
pub(crate) use search_user_directory::search_user_directory;
pub(crate) use thirdparty::{get_matches, get_protocol, get_protocols};

//! The room that users are brought to whose room was removed.

use gantry_accounts::Session;
use gantry_model::{Object, id::OwnedRoomId};

use crate::{
    Administration, CreateRoom, Creation, Messaging, NewMessage, Preset, Replacement, Result,
    content::{object, text},
};

/// What it is called and what is said in it if the administrator says nothing.
const NAME: &str = "Content Violation Notification";
const MESSAGE: &str = "Sharing illegal content on this server is not permitted and rooms in violation will be blocked.";
/// The level that is needed to speak in it.
const LEVEL: i64 = 50;

impl Administration {
    /// Makes it: its creator speaks, others read.
    pub(crate) async fn make_replacement(&self, wish: &Replacement) -> Result<OwnedRoomId> {
        let creator = Session {
            unlimited: true,
            ..Session::new(wish.creator.clone(), "".into(), [0; 32])
        };
        let core = self.core.clone();
        let levels = object([("events_default", LEVEL.into())]);
        let create = CreateRoom {
            preset: Some(Preset::PublicChat),
            name: Some(wish.name.clone().unwrap_or_else(|| NAME.to_owned())),
            power_level_content_override: Some(levels),
            ..CreateRoom::default()
        };
        let room = Creation::new(core.clone())
            .create_room(&creator, create)
            .await?;
        let mut content: Object = text("msgtype", "m.text");
        let message = wish.message.as_deref().unwrap_or(MESSAGE);
        content.insert("body", message.into());
        let message = NewMessage {
            room: room.clone(),
            kind: "m.room.message".to_owned(),
            content,
            txn: None,
            rc: None,
            ts: None,
        };
        Messaging::new(core).send(&creator, message).await?;
        Ok(room)
    }
}

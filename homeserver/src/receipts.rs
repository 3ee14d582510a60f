//! Receipts and read markers.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#receipts>.

use gantry_accounts::{Receipt, Session};
use gantry_model::id::{EventId, RoomId};
use gantry_rooms::{Direction, Relation, RoomEvent, TimelineKey};

use crate::{Error, ReadMarkers, Result, UserData, content::text, user_data::ReceiptKind};

/// The thread of everything that is in no thread.
const MAIN: &str = "main";
/// How far back the newest event that can carry a receipt is looked for.
const MAX_LOOKED_AT: usize = 50;

impl UserData {
    /// Moves a receipt forward; back it does not go. `thread`: a thread's root, `main`, or `None`
    /// for the whole room.
    pub async fn set_receipt(
        &self,
        session: &Session,
        room: &RoomId,
        kind: ReceiptKind,
        event: &EventId,
        thread: Option<String>,
    ) -> Result<()> {
        self.core.joined_view(&session.user_id, room).await?;
        let known = self.core.rooms.event(room, event).await?;
        if let (Some(thread), Some(known)) = (&thread, &known) {
            check_thread(thread, known)?;
        }
        // One for an event that has not arrived yet stands before all that have.
        let key = known
            .and_then(|event| event.key)
            .map(|key| key.as_bytes().to_vec());
        self.put(session, room, kind, event, thread, key.unwrap_or_default())
            .await
    }

    /// Moves markers and receipts in one request.
    pub async fn set_read_markers(
        &self,
        session: &Session,
        room: &RoomId,
        markers: ReadMarkers,
    ) -> Result<()> {
        self.core.joined_view(&session.user_id, room).await?;
        if let Some(event) = &markers.fully_read {
            self.set_fully_read(session, room, event).await?;
        }
        if let Some(event) = &markers.read {
            self.set_receipt(session, room, ReceiptKind::Read, event, None)
                .await?;
        }
        if let Some(event) = &markers.read_private {
            self.set_receipt(session, room, ReceiptKind::ReadPrivate, event, None)
                .await?;
        }
        Ok(())
    }

    /// Everything in the room has been read.
    pub async fn mark_read(&self, session: &Session, room: &RoomId) -> Result<()> {
        self.core.joined_view(&session.user_id, room).await?;
        let rooms = &self.core.rooms;
        let page = rooms
            .timeline(room, None, None, Direction::Backward, MAX_LOOKED_AT)
            .await?;
        let seen = rooms.visible(&session.user_id, room, page.events).await?;
        let Some(newest) = seen.into_iter().find(|event| event.key.is_some()) else {
            return Ok(());
        };
        let event = newest.event_id();
        self.set_fully_read(session, room, event).await?;
        let key = newest
            .key
            .map(|key| key.as_bytes().to_vec())
            .unwrap_or_default();
        self.put(session, room, ReceiptKind::Read, event, None, key)
            .await
    }

    /// Up to where the user has read a room, of all receipts the farthest.
    pub async fn receipt_of(&self, session: &Session, room: &RoomId) -> Result<Option<Receipt>> {
        let rooms = [room.to_owned()];
        Ok(self
            .core
            .accounts
            .read_up_to(&session.user_id, &rooms)
            .await?
            .pop()
            .flatten())
    }

    /// The receipts of a room, without other users' private ones.
    pub async fn receipts(&self, session: &Session, room: &RoomId) -> Result<Vec<Receipt>> {
        self.core.joined_view(&session.user_id, room).await?;
        crate::Feed::new(self.core.clone())
            .room_receipts(&session.user_id, room)
            .await
    }

    async fn put(
        &self,
        session: &Session,
        room: &RoomId,
        kind: ReceiptKind,
        event: &EventId,
        thread: Option<String>,
        key: Vec<u8>,
    ) -> Result<()> {
        let receipt = Receipt {
            room: room.to_owned(),
            user: session.user_id.clone(),
            kind: kind.as_str().to_owned(),
            thread,
            event_id: event.to_owned(),
            ts: self.core.clock.now_ms(),
            key,
        };
        let moved = self.core.accounts.set_receipt(receipt.clone()).await?;
        if moved && kind == ReceiptKind::Read {
            let (user, thread) = (&receipt.user, receipt.thread.as_deref());
            self.core
                .federation
                .send_receipt(room, user, event, receipt.ts, thread)
                .await;
        }
        Ok(())
    }

    async fn set_fully_read(
        &self,
        session: &Session,
        room: &RoomId,
        event: &EventId,
    ) -> Result<()> {
        let user = &session.user_id;
        let standing = self
            .core
            .accounts
            .account_data(user, Some(room), FULLY_READ)
            .await?;
        if let Some(before) = standing
            .as_ref()
            .and_then(|content| EventId::parse(crate::content::str_of(content, "event_id")?).ok())
            && self.key_of(room, &before).await? >= self.key_of(room, event).await?
        {
            return Ok(());
        }
        let content = text("event_id", event.as_str());
        Ok(self
            .core
            .accounts
            .set_account_data(user, Some(room), FULLY_READ, content)
            .await?)
    }

    async fn key_of(&self, room: &RoomId, event: &EventId) -> Result<Option<TimelineKey>> {
        Ok(self
            .core
            .rooms
            .event(room, event)
            .await?
            .and_then(|event| event.key))
    }
}

/// The account data that holds the marker.
pub(crate) const FULLY_READ: &str = "m.fully_read";

/// The event is in the thread that the receipt names.
fn check_thread(thread: &str, event: &RoomEvent) -> Result<()> {
    let root = thread_of(event.relation.as_ref());
    let fits = match root {
        Some(root) => root == thread,
        // A thread's root stands in both, and what relates to an event goes where that is.
        None => thread == MAIN || event.event_id() == thread || event.relation.is_some(),
    };
    if fits {
        Ok(())
    } else {
        Err(Error::invalid("The event is not in the thread"))
    }
}

/// The thread that an event is in.
pub(crate) fn thread_of(relation: Option<&Relation>) -> Option<&str> {
    relation
        .filter(|relation| relation.kind == "m.thread")
        .map(|relation| relation.target.as_str())
}

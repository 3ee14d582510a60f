//! Ephemeral units of other servers: typing and receipts. Others are ignored.
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#edus>.

use gantry_accounts::Receipt;
use gantry_model::{
    Object, Value,
    id::{OwnedEventId, RoomId, ServerName, UserId},
};
use gantry_rooms::{Membership, RoomView};

use crate::{
    Federation, Result,
    wire::{event_id, room_id, text, user_id},
};

/// How long somebody types unless told otherwise, in milliseconds.
const TYPING_MS: u64 = 30_000;
/// The most rooms, and the most users of a room, in one unit.
const MAX_ITEMS: usize = 100;
/// The longest thread id, in bytes.
const MAX_THREAD_BYTES: usize = 255;

/// Takes one unit in. What does not fit is ignored: nobody repeats it.
pub(crate) async fn receive(
    federation: &Federation,
    origin: &ServerName,
    edu: &Object,
) -> Result<()> {
    let Some(content) = edu.get("content").and_then(Value::as_object) else {
        return Ok(());
    };
    match text(edu, "edu_type") {
        Some("m.typing") => typing(federation, origin, content).await,
        Some("m.receipt") => receipts(federation, origin, content).await,
        _ => Ok(()),
    }
}

async fn typing(federation: &Federation, origin: &ServerName, content: &Object) -> Result<()> {
    let room = text(content, "room_id").and_then(room_id);
    let user = text(content, "user_id").and_then(user_id);
    let (Some(room), Some(user)) = (room, user) else {
        return Ok(());
    };
    let Some(view) = shared_room(federation, origin, &room).await? else {
        return Ok(());
    };
    if is_member(&view, origin, &user) {
        let types = content.get("typing").and_then(Value::as_bool) == Some(true);
        federation
            .accounts()
            .set_typing(&room, &user, types.then_some(TYPING_MS));
    }
    Ok(())
}

async fn receipts(federation: &Federation, origin: &ServerName, content: &Object) -> Result<()> {
    for (room, kinds) in content.iter().take(MAX_ITEMS) {
        let Some(room) = room_id(room) else { continue };
        let users = kinds
            .as_object()
            .and_then(|kinds| kinds.get("m.read"))
            .and_then(Value::as_object);
        let (Some(users), Some(view)) = (users, shared_room(federation, origin, &room).await?)
        else {
            continue;
        };
        for (user, receipt) in users.iter().take(MAX_ITEMS) {
            if let Some(user) = user_id(user).filter(|user| is_member(&view, origin, user))
                && let Some(receipt) = receipt.as_object()
            {
                set_receipt(federation, &room, &user, receipt).await?;
            }
        }
    }
    Ok(())
}

async fn set_receipt(
    federation: &Federation,
    room: &RoomId,
    user: &UserId,
    receipt: &Object,
) -> Result<()> {
    let Some(event_id) = newest(receipt) else {
        return Ok(());
    };
    let Some(event) = federation.rooms().event(room, &event_id).await? else {
        return Ok(());
    };
    let data = receipt.get("data").and_then(Value::as_object);
    let thread = data.and_then(|data| text(data, "thread_id"));
    let ts = data.and_then(|data| data.get("ts")).and_then(Value::as_int);
    let receipt = Receipt {
        room: room.to_owned(),
        user: user.to_owned(),
        kind: "m.read".to_owned(),
        thread: thread
            .filter(|thread| thread.len() <= MAX_THREAD_BYTES)
            .map(str::to_owned),
        event_id,
        ts: ts.unwrap_or_else(|| federation.clock().now_ms()),
        key: event
            .key
            .map(|key| key.as_bytes().to_vec())
            .unwrap_or_default(),
    };
    federation.accounts().set_receipt(receipt).await?;
    Ok(())
}

/// The last of the event ids.
fn newest(receipt: &Object) -> Option<OwnedEventId> {
    receipt
        .get("event_ids")?
        .as_array()?
        .last()?
        .as_str()
        .and_then(event_id)
}

/// A room that we are in and that does not exclude the server.
async fn shared_room(
    federation: &Federation,
    origin: &ServerName,
    room: &RoomId,
) -> Result<Option<RoomView>> {
    let view = federation.rooms().view(room).await?;
    Ok(view.filter(|view| view.is_joined_locally() && federation.acls().allows(view, origin)))
}

/// Whether the user belongs to the server and is in the room.
fn is_member(view: &RoomView, origin: &ServerName, user: &UserId) -> bool {
    user.server_name() == origin && view.membership(user) == Some(Membership::Join)
}

//! Subscriptions.

use gantry_homeserver::Session;

use super::{RoomRef, ShownRoom};
use crate::dto::room::Room;
use crate::dto::subscription::Subscription;
use crate::error::{Error, Result};
use crate::state::RocketchatState;

impl RocketchatState {
    /// The user's subscriptions that changed after a time, in milliseconds since the Unix epoch.
    pub(crate) async fn subscriptions(
        &self,
        session: &Session,
        since: Option<i64>,
    ) -> Result<Vec<Subscription>> {
        let mut subscriptions = Vec::new();
        for room in self.rooms_of(session).await? {
            let subscription = self.subscription(session, &room).await?;
            if since.is_none_or(|since| subscription.updated_at.0 > since) {
                subscriptions.push(subscription);
            }
        }
        Ok(subscriptions)
    }

    /// The user's rooms that changed after a time.
    pub(crate) async fn changed_rooms(
        &self,
        session: &Session,
        since: Option<i64>,
    ) -> Result<Vec<Room>> {
        let mut rooms = Vec::new();
        for room in self.rooms_of(session).await? {
            if since.is_none_or(|since| room.view.updated_at() > since) {
                rooms.push(self.room_with_message(session, &room).await?);
            }
        }
        Ok(rooms)
    }

    /// The user has read everything in a room.
    pub(crate) async fn mark_read(&self, session: &Session, rid: &str) -> Result<()> {
        let room = self.find_room(session, RoomRef::Id(rid)).await?;
        let room = room
            .filter(|room| room.is_joined(session))
            .ok_or_else(|| Error::new("error-invalid-subscription", "Invalid subscription"))?;
        self.homeserver()
            .user_data
            .mark_read(session, room.view.room_id())
            .await?;
        self.tell_read(session, &room).await
    }

    /// Tells the user's other clients.
    async fn tell_read(&self, session: &Session, room: &ShownRoom) -> Result<()> {
        let subscription = self.subscription(session, room).await?;
        self.hub().tell_user(
            &session.user_id,
            "subscriptions-changed",
            &("updated", subscription),
        );
        Ok(())
    }
}

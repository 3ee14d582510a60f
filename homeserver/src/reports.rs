//! What users want an administrator to look at.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#reporting-content>.

use gantry_accounts::{Report, Session};
use gantry_model::id::{EventId, RoomId, UserId};

use crate::{Act, Administration, Error, Result};

impl Administration {
    /// Reports an event that the user sees, in a room that he is in.
    pub async fn report_event(
        &self,
        session: &Session,
        room: &RoomId,
        event: &EventId,
        reason: Option<String>,
        score: Option<i64>,
    ) -> Result<()> {
        self.core.limits.check_user(Act::Report, session)?;
        let unknown = || Error::not_found("The event was not found or you are not in the room");
        let user = &session.user_id;
        let joined = self.core.joined_view(user, room).await;
        joined.map_err(|_| unknown())?;
        let seen = self.core.visible_event(user, room, event).await;
        seen.map_err(|_| unknown())?;
        self.keep(Report {
            room: Some(room.to_owned()),
            event: Some(event.to_owned()),
            score,
            ..report(session, reason)
        })
        .await
    }

    /// Reports a room, whether the user is in it or not.
    pub async fn report_room(
        &self,
        session: &Session,
        room: &RoomId,
        reason: Option<String>,
    ) -> Result<()> {
        self.core.limits.check_user(Act::Report, session)?;
        let found = self.core.rooms.view(room).await?;
        found.ok_or_else(|| Error::not_found("The room was not found"))?;
        self.keep(Report {
            room: Some(room.to_owned()),
            ..report(session, reason)
        })
        .await
    }

    /// Reports a user of this or another server.
    pub async fn report_user(
        &self,
        session: &Session,
        user: &UserId,
        reason: Option<String>,
    ) -> Result<()> {
        self.core.limits.check_user(Act::Report, session)?;
        if self.core.is_local(user) && self.core.accounts.account(user).await?.is_none() {
            return Err(Error::not_found("The user was not found"));
        }
        self.keep(Report {
            user: Some(user.to_owned()),
            ..report(session, reason)
        })
        .await
    }

    async fn keep(&self, report: Report) -> Result<()> {
        tracing::info!(reporter = %report.reporter, room = ?report.room, event = ?report.event, user = ?report.user, "a report");
        Ok(self.core.accounts.add_report(report).await?)
    }
}

fn report(session: &Session, reason: Option<String>) -> Report {
    Report {
        reporter: session.user_id.clone(),
        room: None,
        event: None,
        user: None,
        reason: reason.filter(|reason| !reason.is_empty()),
        score: None,
        received_ts: 0,
    }
}

//! `/_synapse/admin/v1/event_reports`, also for reports of rooms and users:
//! <https://element-hq.github.io/synapse/latest/admin_api/event_reports.html>.

use axum::{Json, extract::State};
use gantry_homeserver::StoredReport;
use gantry_model::id::{OwnedEventId, OwnedRoomId, OwnedUserId};
use serde::{Deserialize, Serialize};

use crate::{
    ClientApiState,
    auth::Session,
    error::{Error, Result},
    extract::{PathArgs, QueryArgs},
    reply::Done,
};

/// Reports if the client does not say how many.
const DEFAULT_LIMIT: usize = 100;

/// Which reports: from before this one, the newest first.
#[derive(Debug, Deserialize)]
pub(crate) struct Query {
    from: Option<String>,
    limit: Option<usize>,
}

/// A page of reports.
#[derive(Debug, Serialize)]
pub(crate) struct Reports {
    event_reports: Vec<ReportBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
    total: usize,
}

/// A report.
#[derive(Debug, Serialize)]
pub(crate) struct ReportBody {
    id: String,
    received_ts: i64,
    /// Who reports.
    user_id: OwnedUserId,
    room_id: Option<OwnedRoomId>,
    event_id: Option<OwnedEventId>,
    reported_user_id: Option<OwnedUserId>,
    reason: Option<String>,
    score: Option<i64>,
}

impl From<StoredReport> for ReportBody {
    fn from(stored: StoredReport) -> Self {
        let report = stored.report;
        Self {
            id: stored.id,
            received_ts: report.received_ts,
            user_id: report.reporter,
            room_id: report.room,
            event_id: report.event,
            reported_user_id: report.user,
            reason: report.reason,
            score: report.score,
        }
    }
}

/// Lists reports.
pub(crate) async fn get_event_reports(
    State(state): State<ClientApiState>,
    Session(session): Session,
    QueryArgs(query): QueryArgs<Query>,
) -> Result<Json<Reports>> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    let before = query.from.as_deref().filter(|from| *from != "0");
    let administration = &state.homeserver().administration;
    let found = administration.reports(&session, before, limit).await?;
    let event_reports: Vec<_> = found.into_iter().map(ReportBody::from).collect();
    let is_full = event_reports.len() == limit;
    Ok(Json(Reports {
        next_token: event_reports
            .last()
            .filter(|_| is_full)
            .map(|last| last.id.clone()),
        total: event_reports.len(),
        event_reports,
    }))
}

/// Tells one report.
pub(crate) async fn get_event_report(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(id): PathArgs<String>,
) -> Result<Json<ReportBody>> {
    let administration = &state.homeserver().administration;
    let found = administration.report(&session, &id).await?;
    let found = found.ok_or_else(|| Error::not_found("Event report not found"))?;
    Ok(Json(found.into()))
}

/// Deletes one report.
pub(crate) async fn delete_event_report(
    State(state): State<ClientApiState>,
    Session(session): Session,
    PathArgs(id): PathArgs<String>,
) -> Result<Json<Done>> {
    let administration = &state.homeserver().administration;
    administration.delete_report(&session, &id).await?;
    Ok(Json(Done {}))
}

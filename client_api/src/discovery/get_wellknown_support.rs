//! `GET /.well-known/matrix/support`:
//! <https://spec.matrix.org/v1.19/client-server-api/#getwell-knownmatrixsupport>.

use axum::{Json, extract::State};
use serde::Serialize;

use crate::{
    ClientApiState,
    error::{Error, Result},
};

/// Who is asked for help.
#[derive(Debug, Serialize)]
pub(crate) struct SupportWellKnown {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contacts: Vec<ContactBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    support_page: Option<String>,
}

#[derive(Debug, Serialize)]
struct ContactBody {
    role: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    matrix_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_address: Option<String>,
}

/// Tells who is asked for help, if that is configured.
pub(crate) async fn get_wellknown_support(
    State(state): State<ClientApiState>,
) -> Result<Json<SupportWellKnown>> {
    let support = state.homeserver().config().accounts.support.clone();
    if support.contacts.is_empty() && support.page.is_none() {
        return Err(Error::not_found("Not configured"));
    }
    let contacts = support.contacts.into_iter().map(|contact| ContactBody {
        role: contact.role,
        matrix_id: contact.matrix_id,
        email_address: contact.email_address,
    });
    Ok(Json(SupportWellKnown {
        contacts: contacts.collect(),
        support_page: support.page,
    }))
}

//! User-interactive authentication: the challenge that a client has to answer first.
//!
//! Specification:
//! <https://spec.matrix.org/v1.19/client-server-api/#user-interactive-authentication-api>.

use gantry_homeserver::{Uia, UiaChallenge};
use gantry_model::Object;
use serde::Serialize;

use crate::error::{Error, Result, errcode};

/// What was asked for, or the challenge as an error.
pub(crate) fn done<T>(answer: Uia<T>) -> Result<T> {
    match answer {
        Uia::Done(value) => Ok(value),
        Uia::Needed(challenge) => Err(Error::AuthenticationNeeded(Box::new(challenge))),
    }
}

/// The body that goes with status 401.
#[derive(Debug, Serialize)]
pub(crate) struct ChallengeBody {
    session: String,
    flows: Vec<Flow>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    completed: Vec<String>,
    params: Object,
    #[serde(skip_serializing_if = "Option::is_none")]
    errcode: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct Flow {
    stages: Vec<String>,
}

impl From<UiaChallenge> for ChallengeBody {
    fn from(challenge: UiaChallenge) -> Self {
        let (errcode, error) = challenge
            .error
            .map(|(kind, reason)| (errcode(&kind), reason))
            .unzip();
        Self {
            session: challenge.session,
            flows: challenge
                .flows
                .into_iter()
                .map(|stages| Flow { stages })
                .collect(),
            completed: challenge.completed,
            params: challenge.params,
            errcode,
            error,
        }
    }
}

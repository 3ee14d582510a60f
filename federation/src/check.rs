//! Checks 1 to 3 on receipt of an event; 4 to 6 are the room engine's.
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu>.

use std::collections::BTreeMap;

use gantry_model::{
    Object, Pdu, RoomVersion,
    hash::content_hash_matches,
    id::{OwnedServerName, RoomId, ServerName},
    sign::signatures_of,
};
use tokio_util::task::TaskTracker;

use crate::key_ring::{KeyRing, Validity};

/// Signatures of one server on one event that are tried.
const MAX_SIGNATURES: usize = 8;
/// Events that are checked in one piece of work.
const CHUNK: usize = 128;

/// Why an event is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Dropped {
    /// Check 1.
    #[error("the event does not have the form of its room version")]
    Format,
    /// It is of another room than the one that was asked about.
    #[error("the event is of another room")]
    OtherRoom,
    /// Check 2.
    #[error("a signature is missing or does not match")]
    Signature,
}

/// Checks events. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Checker {
    keys: KeyRing,
    tracker: TaskTracker,
}

impl Checker {
    pub(crate) fn new(keys: KeyRing, tracker: TaskTracker) -> Self {
        Self { keys, tracker }
    }

    /// Checks events of one room; those that do not pass are left out.
    pub(crate) async fn check_room(
        &self,
        objects: Vec<Object>,
        version: RoomVersion,
        room: &RoomId,
    ) -> Vec<Pdu> {
        let total = objects.len();
        let parsed: Vec<Pdu> = objects
            .into_iter()
            .filter_map(|object| Pdu::parse(object, version).ok())
            .filter(|pdu| pdu.room_id() == room)
            .collect();
        let checked: Vec<Pdu> = self
            .check(parsed)
            .await
            .into_iter()
            .filter_map(Result::ok)
            .collect();
        if checked.len() < total {
            tracing::debug!(%room, total, passed = checked.len(), "events were dropped");
        }
        checked
    }

    /// Check 1 for one event of a room.
    pub(crate) fn check_format(
        object: Object,
        version: RoomVersion,
        room: &RoomId,
    ) -> Result<Pdu, Dropped> {
        let pdu = Pdu::parse(object, version).map_err(|_| Dropped::Format)?;
        if pdu.room_id() == room {
            Ok(pdu)
        } else {
            Err(Dropped::OtherRoom)
        }
    }

    /// Checks 2 and 3 for one event.
    pub(crate) async fn check_one(&self, pdu: Pdu) -> Result<Pdu, Dropped> {
        self.check(vec![pdu])
            .await
            .pop()
            .unwrap_or(Err(Dropped::Signature))
    }

    /// Whether a server that need not have signed an event has done so (an invited one).
    pub(crate) async fn is_signed_by(&self, pdu: &Pdu, server: &ServerName) -> bool {
        let wanted = signatures_of(pdu.object(), server.as_str())
            .take(MAX_SIGNATURES)
            .map(|(key_id, _)| ((server.to_owned(), key_id.to_owned()), validity_of(pdu)))
            .collect();
        self.keys.prepare(wanted).await;
        is_signed_by(&self.keys, pdu, server)
    }

    /// Checks 2 and 3, in the order of the events. Keys are fetched first, once per server, and
    /// the arithmetic is done off the async threads.
    pub(crate) async fn check(&self, pdus: Vec<Pdu>) -> Vec<Result<Pdu, Dropped>> {
        self.keys.prepare(wanted_keys(&pdus)).await;
        let mut checked = Vec::with_capacity(pdus.len());
        let mut pieces = Vec::new();
        let mut pdus = pdus.into_iter();
        while pdus.len() > 0 {
            let piece: Vec<Pdu> = pdus.by_ref().take(CHUNK).collect();
            let (length, keys) = (piece.len(), self.keys.clone());
            let verify_all = move || {
                let verified = piece.into_iter().map(|pdu| verify(&keys, pdu));
                verified.collect::<Vec<_>>()
            };
            pieces.push((length, self.tracker.spawn_blocking(verify_all)));
        }
        for (length, piece) in pieces {
            match piece.await {
                Ok(results) => checked.extend(results),
                Err(error) => {
                    tracing::error!(%error, "signatures could not be checked");
                    checked.extend((0..length).map(|_| Err(Dropped::Signature)));
                }
            }
        }
        checked
    }
}

/// The keys whose signatures events need, or could do with, each at the latest time of its events.
fn wanted_keys(pdus: &[Pdu]) -> BTreeMap<(OwnedServerName, String), Validity> {
    let mut wanted = BTreeMap::new();
    for pdu in pdus {
        for server in pdu.required_signers() {
            for (key_id, _) in signatures_of(pdu.object(), server.as_str()).take(MAX_SIGNATURES) {
                let validity = validity_of(pdu);
                wanted
                    .entry((server.clone(), key_id.to_owned()))
                    .and_modify(|latest: &mut Validity| *latest = (*latest).max(validity))
                    .or_insert(validity);
            }
        }
    }
    wanted
}

/// When the keys of an event must have been valid.
fn validity_of(pdu: &Pdu) -> Validity {
    if pdu.rules().key_validity {
        Validity::At(pdu.origin_server_ts())
    } else {
        Validity::Ever
    }
}

fn verify(keys: &KeyRing, pdu: Pdu) -> Result<Pdu, Dropped> {
    // 2: every server that must have signed it has done so, with a key that was valid then.
    for server in pdu.required_signers() {
        if !is_signed_by(keys, &pdu, &server) {
            return Err(Dropped::Signature);
        }
    }
    // 3: with a wrong content hash the event counts only as redacted.
    if content_hash_matches(pdu.object()) {
        Ok(pdu)
    } else {
        Ok(pdu.redacted())
    }
}

/// Whether a server has signed an event, as far as its keys are known.
fn is_signed_by(keys: &KeyRing, pdu: &Pdu, server: &ServerName) -> bool {
    let validity = validity_of(pdu);
    signatures_of(pdu.object(), server.as_str())
        .take(MAX_SIGNATURES)
        .any(|(key_id, _)| {
            let key = keys.peek(server, key_id, validity);
            key.is_some_and(|key| {
                key.verify_event(server.as_str(), key_id, pdu.object(), pdu.rules())
                    .is_ok()
            })
        })
}

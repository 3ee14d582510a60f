//! Policy servers: a server that a room asks for its opinion on each event.
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#policy-servers>.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use gantry_model::{
    Clock, Object, Pdu, Value, VerifyKey,
    id::{OwnedServerName, ServerName},
};
use gantry_rooms::RoomView;
use parking_lot::Mutex;

use crate::{
    Error, Result,
    client::{Call, Client, bad},
    wire::{server_name, text},
};

/// The id of the key with which policy servers sign.
const KEY_ID: &str = "ed25519:policy_server";
/// How long one may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest answer.
const MAX_BYTES: usize = 16 * 1024;
/// How long one that cannot be reached is not asked about events of others, in milliseconds.
const PAUSE_MS: i64 = 60_000;
/// Servers that are remembered as not reachable.
const MAX_SILENT: usize = 1_000;

/// The policy server of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
struct PolicyServer {
    via: OwnedServerName,
    key: VerifyKey,
}

/// An event, and what the room's policy server thinks of it.
#[derive(Debug)]
pub(crate) struct Judged {
    /// The event, perhaps with one more signature.
    pub(crate) pdu: Pdu,
    /// Whether it should be shown.
    pub(crate) is_recommended: bool,
}

/// Asks policy servers. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Policy(Arc<Inner>);

struct Inner {
    client: Client,
    clock: Arc<dyn Clock>,
    /// Servers that could not be reached, and until when they are left alone.
    silent: Mutex<HashMap<OwnedServerName, i64>>,
}

impl fmt::Debug for Policy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Policy").finish_non_exhaustive()
    }
}

impl PolicyServer {
    /// The one that the room has now. One that nobody of is in the room has no say.
    fn of(view: &RoomView) -> Option<Self> {
        let event = view.state("m.room.policy", "")?;
        let named = Self::of_content(event.content())?;
        view.servers().contains(&named.via).then_some(named)
    }

    fn of_content(content: &Object) -> Option<Self> {
        let keys = content.get("public_keys").and_then(Value::as_object)?;
        // Either alphabet of base64 is in use.
        let key = text(keys, "ed25519")?.replace('-', "+").replace('_', "/");
        Some(Self {
            via: server_name(text(content, "via")?)?,
            key: VerifyKey::from_base64(&key).ok()?,
        })
    }

    fn has_signed(&self, pdu: &Pdu) -> bool {
        let via = self.via.as_str();
        let signed = self
            .key
            .verify_event(via, KEY_ID, pdu.object(), pdu.rules());
        signed.is_ok()
    }

    /// The event with the signature that the server answered with; `None`: it gave none that holds.
    fn signed(&self, pdu: &Pdu, answer: &Object) -> Option<Pdu> {
        let of_server = answer.get(self.via.as_str()).and_then(Value::as_object)?;
        let signature = text(of_server, KEY_ID)?;
        let mut event = pdu.object().clone();
        let Some(Value::Object(signatures)) = event.get_mut("signatures") else {
            return None;
        };
        // The server may have signed as the sender's server too.
        let own = signatures.object_mut(self.via.as_str());
        own.insert(KEY_ID, signature.into());
        let pdu = Pdu::parse(event, pdu.rules().version).ok()?;
        self.has_signed(&pdu).then_some(pdu)
    }
}

/// Whether policy servers are asked about an event at all.
fn is_judged(kind: &str, state_key: Option<&str>) -> bool {
    (kind, state_key) != ("m.room.policy", Some(""))
}

impl Policy {
    pub(crate) fn new(client: Client, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner {
            client,
            clock,
            silent: Mutex::default(),
        }))
    }

    /// The policy server that has a say on an event in the room, if there is one beside ourselves.
    fn server_for(
        &self,
        view: &RoomView,
        kind: &str,
        state_key: Option<&str>,
    ) -> Option<PolicyServer> {
        if !is_judged(kind, state_key) {
            return None;
        }
        PolicyServer::of(view).filter(|server| server.via != self.0.client.us())
    }

    /// Whether an event that is made here must be signed by a policy server.
    pub(crate) fn wants(&self, view: &RoomView, kind: &str, state_key: Option<&str>) -> bool {
        self.server_for(view, kind, state_key).is_some()
    }

    /// An event that was made here with the signature of the room's policy server, if the room has
    /// one. Fails if that server refuses or does not answer.
    pub(crate) async fn recommend(&self, view: &RoomView, pdu: Pdu) -> Result<Pdu> {
        let Some(server) = self.server_for(view, pdu.kind(), pdu.state_key()) else {
            return Ok(pdu);
        };
        match self.ask(&server, &pdu).await {
            Err(error) if error.is_refusal() => Err(Error::Forbidden(
                "the room's policy server does not recommend this",
            )),
            answer => answer,
        }
    }

    /// Check 7 on receipt: whether the room's policy server recommends an event of another server.
    /// It is asked if its signature is not on the event, unless `may_ask` says no.
    pub(crate) async fn judge(&self, view: &RoomView, pdu: Pdu, may_ask: bool) -> Judged {
        let server = self.server_for(view, pdu.kind(), pdu.state_key());
        let Some(server) = server.filter(|server| !server.has_signed(&pdu)) else {
            return Judged {
                pdu,
                is_recommended: true,
            };
        };
        let answer = if may_ask && !self.is_silent(&server.via) {
            self.ask(&server, &pdu).await
        } else {
            Err(Error::NoServer)
        };
        match answer {
            Ok(pdu) => Judged {
                pdu,
                is_recommended: true,
            },
            Err(error) => {
                let (via, event_id) = (&server.via, pdu.event_id());
                tracing::info!(%via, %event_id, %error, "an event is not recommended");
                Judged {
                    pdu,
                    is_recommended: false,
                }
            }
        }
    }

    async fn ask(&self, server: &PolicyServer, pdu: &Pdu) -> Result<Pdu> {
        let via = &server.via;
        let call = Call::post("/_matrix/policy/v1/sign".to_owned(), pdu.object().clone())
            .timeout(TIMEOUT)
            .max_bytes(MAX_BYTES);
        let answer = self.0.client.call_object(via, call).await;
        if matches!(answer, Err(Error::Unreachable { .. })) {
            self.note_silent(via);
        }
        let signed = server.signed(pdu, &answer?);
        signed.ok_or_else(|| bad(via, "no signature that holds"))
    }

    fn is_silent(&self, server: &ServerName) -> bool {
        let until = self.0.silent.lock().get(server).copied();
        until.is_some_and(|until| self.0.clock.now_ms() < until)
    }

    fn note_silent(&self, server: &ServerName) {
        let mut silent = self.0.silent.lock();
        if silent.len() >= MAX_SILENT {
            silent.clear();
        }
        let until = self.0.clock.now_ms().saturating_add(PAUSE_MS);
        silent.insert(server.to_owned(), until);
    }
}

#[cfg(test)]
mod tests {
    use gantry_model::{ServerSigningKey, canonical_json::parse_object};
    use gantry_roomgen::message_in;
    use proptest::prelude::*;

    use super::*;
    use crate::wire::object;

    fn key() -> ServerSigningKey {
        ServerSigningKey::from_seed("policy_server", &[9; 32])
    }

    fn content(key: &str) -> Object {
        let text = format!(r#"{{"via":"p.com","public_keys":{{"ed25519":"{key}"}}}}"#);
        parse_object(text.as_bytes()).unwrap()
    }

    fn message() -> Pdu {
        message_in("b.c".try_into().unwrap(), "!a:b.c", 1, &[])
    }

    #[test]
    fn a_signature_by_the_rooms_key_is_added_and_holds() {
        let public = key().verify_key().to_base64();
        let server = PolicyServer::of_content(&content(&public)).unwrap();
        let url_safe = public.replace('+', "-").replace('/', "_");
        assert_eq!(
            PolicyServer::of_content(&content(&url_safe)).unwrap(),
            server
        );
        let pdu = message();
        let signed = pdu.signed_by("p.com".try_into().unwrap(), &key());
        let signatures = signed.object()["signatures"].as_object().unwrap().clone();

        let added = server.signed(&pdu, &signatures).unwrap();

        assert!(!server.has_signed(&pdu) && server.has_signed(&added));
        assert_eq!(added.event_id(), pdu.event_id());
        assert!(server.signed(&pdu, &Object::new()).is_none());
        let other = ServerSigningKey::from_seed("policy_server", &[8; 32]);
        let forged = pdu.signed_by("p.com".try_into().unwrap(), &other);
        let forged = forged.object()["signatures"].as_object().unwrap();
        assert!(server.signed(&pdu, forged).is_none());
    }

    #[test]
    fn nobody_is_asked_about_who_is_asked() {
        assert!(!is_judged("m.room.policy", Some("")));
        assert!(is_judged("m.room.policy", None) && is_judged("m.room.policy", Some("x")));
    }

    proptest! {
        #[test]
        fn any_content_is_read(text in "\\PC{0,60}", via in "[a-z.:]{0,12}") {
            let keys = object([("ed25519", text.as_str().into())]);
            let content = object([("via", via.into()), ("public_keys", keys.into())]);
            PolicyServer::of_content(&content);
            if let Ok(content) = parse_object(text.as_bytes()) {
                PolicyServer::of_content(&content);
            }
        }
    }
}

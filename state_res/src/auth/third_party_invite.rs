//! Rule 4.4.1: invites that an identity server vouches for.

use gantry_model::{Object, Pdu, Value, VerifyKey, sign::signatures_of};

use super::{Knowledge, ensure};
use crate::Rejection;

/// Rules 4.4.1.2 to 4.4.1.8 of <https://spec.matrix.org/v1.19/rooms/v11/#authorization-rules>.
/// Whichever of them is broken, the invite does not hold.
pub(super) fn check(pdu: &Pdu, invite: &Value, state: &dyn Knowledge) -> Result<(), Rejection> {
    ensure(
        holds(pdu, invite, state).unwrap_or(false),
        Rejection::ThirdPartyInvite,
    )
}

fn holds(pdu: &Pdu, invite: &Value, state: &dyn Knowledge) -> Option<bool> {
    // Rules 4.4.1.2 and 4.4.1.3.
    let signed = invite.as_object()?.get("signed")?.as_object()?;
    let mxid = signed.get("mxid")?.as_str()?;
    let token = signed.get("token")?.as_str()?;
    // Rule 4.4.1.5.
    let offer = state.third_party_invite(token)?;
    // Rules 4.4.1.4 and 4.4.1.6.
    let fits = pdu.state_key() == Some(mxid) && pdu.sender() == offer.sender();
    // Rule 4.4.1.7.
    Some(fits && is_signed(signed, &public_keys(offer.content())))
}

/// The keys of the offer: a single one and a list. Identity servers write them in either alphabet.
fn public_keys(content: &Object) -> Vec<VerifyKey> {
    let listed = content
        .get("public_keys")
        .and_then(Value::as_array)
        .unwrap_or_default()
        .iter()
        .filter_map(|key| key.as_object()?.get("public_key"));
    content
        .get("public_key")
        .into_iter()
        .chain(listed)
        .filter_map(Value::as_str)
        .filter_map(|key| VerifyKey::from_base64(&key.replace('-', "+").replace('_', "/")).ok())
        .collect()
}

fn is_signed(signed: &Object, keys: &[VerifyKey]) -> bool {
    let Some(Value::Object(signatures)) = signed.get("signatures") else {
        return false;
    };
    signatures.keys().any(|entity| {
        signatures_of(signed, entity)
            .filter(|(key_id, _)| key_id.starts_with("ed25519:"))
            .any(|(key_id, _)| {
                keys.iter()
                    .any(|key| key.verify_object(entity, key_id, signed).is_ok())
            })
    })
}

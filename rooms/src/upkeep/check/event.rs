//! Whether a stored body is the event that it claims to be.

use gantry_model::{
    Pdu, RoomVersion, canonical_json::parse_object, hash::content_hash_matches, sign::signatures_of,
};

use crate::codec::Hash;

/// The event of a body, its id computed anew, and what is wrong with it.
pub(super) fn examine(body: &[u8], version: RoomVersion, hash: &Hash) -> Result<Pdu, String> {
    let object = parse_object(body).map_err(|_| "its body is not canonical JSON".to_owned())?;
    let pdu = Pdu::parse(object, version).map_err(|error| format!("its body: {error}"))?;
    if pdu.hash() != *hash {
        return Err("its body has another id".to_owned());
    }
    if pdu.to_bytes() != body {
        return Err("its body is not canonical JSON".to_owned());
    }
    // What came with a wrong content hash was stored redacted.
    if !content_hash_matches(pdu.object()) && pdu.redacted().object() != pdu.object() {
        return Err("its content is not the one that was signed".to_owned());
    }
    for server in pdu.required_signers() {
        if signatures_of(pdu.object(), server.as_str())
            .next()
            .is_none()
        {
            return Err(format!("the signature of {server} is missing"));
        }
    }
    Ok(pdu)
}

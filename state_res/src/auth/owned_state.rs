//! Rule 8: state whose key is a user's.
//!
//! Proposal: <https://github.com/matrix-org/matrix-spec-proposals/pull/3757>, in room versions of its
//! own.

use gantry_model::{
    Pdu,
    id::{OwnedUserId, UserId},
};

use super::ensure;
use crate::{PowerLevels, Rejection};

/// Whether the sender may set state with this key.
pub(super) fn check(pdu: &Pdu, sender_level: i64, levels: &PowerLevels) -> Result<(), Rejection> {
    let key = pdu.state_key().filter(|key| key.starts_with('@'));
    let Some(key) = key.filter(|key| *key != pdu.sender().as_str()) else {
        return Ok(());
    };
    if !pdu.rules().owned_state {
        return Err(Rejection::StateKeyOfOther);
    }
    let owner = owner(key).ok_or(Rejection::StateKeyMalformed)?;
    ensure(
        owner == pdu.sender() || sender_level > levels.for_user(&owner),
        Rejection::StateKeyOfOther,
    )
}

/// The user with whose id a key begins: up to the first underscore behind the colon, for no server
/// name has one.
fn owner(key: &str) -> Option<OwnedUserId> {
    let colon = key.find(':')?;
    let end = key[colon..].find('_').map_or(key.len(), |at| colon + at);
    UserId::parse(&key[..end]).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn owner_of(key: &str) -> Option<String> {
        owner(key).map(|owner| owner.to_string())
    }

    #[test]
    fn a_key_begins_with_the_id_of_its_owner() {
        assert_eq!(owner_of("@a_b:hs1").as_deref(), Some("@a_b:hs1"));
        assert_eq!(owner_of("@a:hs1_x:!@#_").as_deref(), Some("@a:hs1"));
        assert_eq!(owner_of("@a:hs1:80_").as_deref(), Some("@a:hs1:80"));
        assert_eq!(owner_of("@oops"), None);
        assert_eq!(owner_of("@a:hs1@state_key"), None);
    }

    proptest! {
        #[test]
        fn any_key_is_somebodys_or_malformed(key in "@[a-z_:@.]{0,20}") {
            if let Some(owner) = owner(&key) {
                let rest = key.strip_prefix(owner.as_str()).expect("it begins so");
                prop_assert!(rest.is_empty() || rest.starts_with('_'));
            }
        }
    }
}

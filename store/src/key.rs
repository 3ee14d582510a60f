//! Keys: byte strings of one fixed length per table.

use sha2::{Digest as _, Sha256};

/// The key of a document.
pub type Key = Vec<u8>;

/// The first 16 bytes of SHA-256 over the parts, each preceded by its length, so that no two
/// different lists of parts run together into the same bytes.
pub fn hash16(parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut short = [0; 16];
    short.copy_from_slice(&hash.finalize()[..16]);
    short
}

/// The key of a document of a room: `rid(8) ‖ kind(1) ‖ n(8)`, big-endian so that keys of one
/// room and kind are in the order of `n`.
pub fn room_key(rid: u64, kind: u8, n: u64) -> Key {
    let mut key = Vec::with_capacity(17);
    key.extend_from_slice(&rid.to_be_bytes());
    key.push(kind);
    key.extend_from_slice(&n.to_be_bytes());
    key
}

/// A key made of parts whose lengths are fixed.
pub fn concat(parts: &[&[u8]]) -> Key {
    parts.concat()
}

/// The smallest byte string above every string that begins with `prefix`, if there is one.
pub(crate) fn after_prefix(prefix: &[u8]) -> Option<Key> {
    let kept = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut next = prefix[..=kept].to_vec();
    next[kept] += 1;
    Some(next)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn room_keys_are_ordered_like_their_parts(
            a in (any::<u64>(), any::<u8>(), any::<u64>()),
            b in (any::<u64>(), any::<u8>(), any::<u64>()),
        ) {
            let (left, right) = (room_key(a.0, a.1, a.2), room_key(b.0, b.1, b.2));

            prop_assert_eq!(left.len(), 17);
            prop_assert_eq!(left.cmp(&right), a.cmp(&b));
        }

        #[test]
        fn hashes_tell_lists_of_parts_apart(
            a in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..4), 0..4),
            b in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..4), 0..4),
        ) {
            let parts = |list: &[Vec<u8>]| hash16(&list.iter().map(Vec::as_slice).collect::<Vec<_>>());

            prop_assert_eq!(parts(&a) == parts(&b), a == b);
        }

        #[test]
        fn the_end_of_a_prefix_separates(
            prefix in prop::collection::vec(any::<u8>(), 0..4),
            key in prop::collection::vec(any::<u8>(), 6),
        ) {
            let below = after_prefix(&prefix).is_none_or(|end| key < end);

            prop_assert_eq!(key.starts_with(&prefix), key >= prefix && below);
        }
    }
}

//! How much memory JSON will take, before it is parsed.

/// What values take at most, in bytes: an object (its first node has room for eleven fields), an
/// array, and what stands in one.
const OBJECT: usize = 640;
const ARRAY: usize = 160;
const ITEM: usize = 32;
/// What any JSON may take, and how much more for each of its bytes. Events of the state of a large
/// room take about seven times their length.
const ALLOWED: usize = 8 << 20;
const PER_BYTE: usize = 12;
/// JSON of this length cannot take more than is allowed.
const SHORT: usize = 64 << 10;
/// Where the parser gives up.
const MAX_DEPTH: usize = 128;

/// Whether JSON takes no more memory than its length lets expect. Says nothing of the syntax.
pub(super) fn is_fair(json: &[u8]) -> bool {
    json.len() <= SHORT || weight(json) <= ALLOWED + PER_BYTE * json.len()
}

fn weight(json: &[u8]) -> usize {
    let (mut sum, mut depth) = (0_usize, 0_usize);
    let mut in_string = false;
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => in_string = !in_string,
            // What is escaped does not end the text.
            b'\\' if in_string => drop(bytes.next()),
            b'{' | b'[' if !in_string => {
                sum += if *byte == b'{' { OBJECT } else { ARRAY };
                depth += 1;
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            b',' if !in_string => sum += ITEM,
            _ => {}
        }
        if depth > MAX_DEPTH {
            break;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn repeated(piece: &str, length: usize) -> Vec<u8> {
        let count = length / (piece.len() + 1);
        format!("[{}]", vec![piece; count].join(",")).into_bytes()
    }

    #[test]
    fn tiny_pieces_by_the_million_are_not_fair() {
        for piece in [r#"{"":0}"#, "[0]", r#"{"a":{}}"#] {
            assert!(is_fair(&repeated(piece, 50_000)), "{piece}");
            assert!(!is_fair(&repeated(piece, 4 << 20)), "{piece}");
        }
    }

    #[test]
    fn a_large_state_is_fair() {
        let member = json!({
            "auth_events": [["$a:b.example", {"sha256": "a".repeat(43)}],
                ["$b:b.example", {"sha256": "a".repeat(43)}],
                ["$c:b.example", {"sha256": "a".repeat(43)}]],
            "content": {"membership": "join", "displayname": "Somebody", "avatar_url": null},
            "depth": 7, "hashes": {"sha256": "a".repeat(43)}, "origin_server_ts": 1_700_000_000_000_u64,
            "prev_events": [["$d:b.example", {"sha256": "a".repeat(43)}]], "room_id": "!room:b.example",
            "sender": "@somebody:b.example", "signatures": {"b.example": {"ed25519:a": "a".repeat(86)}},
            "state_key": "@somebody:b.example", "type": "m.room.member", "unsigned": {"age": 1},
        });

        assert!(is_fair(&repeated(&member.to_string(), 40 << 20)));
    }

    proptest! {
        #[test]
        fn what_stands_in_texts_weighs_nothing(text: String) {
            let json = Value::from(text).to_string();

            prop_assert_eq!(weight(json.as_bytes()), 0);
        }
    }
}

//! How large JSON will be, before it is parsed.

/// What values take at most, in bytes: an object (its first node has room for eleven fields), an
/// array, and what stands in one.
const OBJECT: usize = 640;
const ARRAY: usize = 160;
const ITEM: usize = 32;
/// What any JSON may take, and how much more for each of its bytes. Events of the state of a large
/// room take about seven times their length.
const ALLOWED: usize = 8 << 20;
const PER_BYTE: usize = 12;

/// What a parser will make of a text. Says nothing of its syntax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// How deep arrays and objects are nested.
    pub depth: usize,
    length: usize,
    weight: usize,
}

impl Extent {
    /// Measures any bytes.
    pub fn of(json: &[u8]) -> Self {
        let (mut weight, mut depth, mut deepest) = (0_usize, 0_usize, 0_usize);
        let mut in_string = false;
        let mut bytes = json.iter();
        while let Some(byte) = bytes.next() {
            match byte {
                b'"' => in_string = !in_string,
                // What is escaped does not end the text.
                b'\\' if in_string => drop(bytes.next()),
                _ if in_string => {}
                b'{' | b'[' => {
                    weight += if *byte == b'{' { OBJECT } else { ARRAY };
                    depth += 1;
                    deepest = deepest.max(depth);
                }
                b'}' | b']' => depth = depth.saturating_sub(1),
                b',' => weight += ITEM,
                _ => {}
            }
        }
        Self {
            depth: deepest,
            length: json.len(),
            weight,
        }
    }

    /// Whether it takes no more memory than its length lets expect. Of JSON made of tiny pieces, a
    /// few megabytes become gigabytes.
    pub fn is_fair(&self) -> bool {
        self.weight <= ALLOWED + PER_BYTE * self.length
    }
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

    fn is_fair(json: &[u8]) -> bool {
        Extent::of(json).is_fair()
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

    fn depth_of(value: &Value) -> usize {
        match value {
            Value::Array(items) => 1 + items.iter().map(depth_of).max().unwrap_or(0),
            Value::Object(object) => 1 + object.values().map(depth_of).max().unwrap_or(0),
            _ => 0,
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i32>().prop_map(Value::from),
            r#"[\[\]{}"\\a]{0,8}"#.prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 40, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((r#"[\["\\]{0,3}"#, inner), 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_depth_is_that_of_the_value(value in any_json()) {
            let extent = Extent::of(value.to_string().as_bytes());

            prop_assert_eq!(extent.depth, depth_of(&value));
        }

        #[test]
        fn what_stands_in_texts_weighs_nothing(text: String) {
            let json = Value::from(text).to_string();

            prop_assert_eq!(Extent::of(json.as_bytes()).weight, 0);
        }

        #[test]
        fn any_bytes_are_measured(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let openings = bytes.iter().filter(|byte| matches!(byte, b'[' | b'{')).count();

            prop_assert!(Extent::of(&bytes).depth <= openings);
        }
    }
}

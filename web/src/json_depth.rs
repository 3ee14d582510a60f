//! How deep JSON is nested, before a parser recurses into it.

/// Whether no array or object is nested deeper than `max` levels. Says nothing of the syntax.
pub fn is_within_depth(json: &[u8], max: usize) -> bool {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    for byte in json {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => {
                depth += 1;
                if depth > max {
                    return false;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

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
            let depth = depth_of(&value);
            let text = value.to_string();

            prop_assert!(is_within_depth(text.as_bytes(), depth));
            prop_assert!(depth == 0 || !is_within_depth(text.as_bytes(), depth - 1));
        }

        #[test]
        fn any_bytes_are_measured(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let openings = bytes.iter().filter(|byte| matches!(byte, b'[' | b'{')).count();

            prop_assert!(is_within_depth(&bytes, openings));
        }
    }
}

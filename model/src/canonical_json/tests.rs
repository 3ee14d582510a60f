use proptest::prelude::*;

use super::*;

fn canonical(text: &str) -> String {
    String::from_utf8(Value::parse(text.as_bytes()).unwrap().to_bytes()).unwrap()
}

/// The vectors of the specification's appendix.
#[test]
fn vectors_of_the_specification_hold() {
    let vectors = [
        ("{}", "{}"),
        (r#"{"one": 1, "two": "Two"}"#, r#"{"one":1,"two":"Two"}"#),
        (r#"{"b": "2", "a": "1"}"#, r#"{"a":"1","b":"2"}"#),
        (r#"{"a": "日本語"}"#, r#"{"a":"日本語"}"#),
        (r#"{"本": 2, "日": 1}"#, r#"{"日":1,"本":2}"#),
        (r#"{"a": "\u65E5"}"#, r#"{"a":"日"}"#),
        (r#"{"a": null}"#, r#"{"a":null}"#),
    ];

    for (input, expected) in vectors {
        assert_eq!(canonical(input), expected);
    }
}

#[test]
fn numbers_outside_of_the_range_are_kept_and_not_strict() {
    for text in [
        "9007199254740992",
        "-9007199254740992",
        "1.5",
        "1e3",
        "18446744073709551615",
    ] {
        assert!(
            !Value::parse(text.as_bytes()).unwrap().is_strict(),
            "{text}"
        );
    }
    for text in ["9007199254740991", "-9007199254740991", "0"] {
        assert!(Value::parse(text.as_bytes()).unwrap().is_strict(), "{text}");
    }
}

#[test]
fn deep_nesting_is_refused() {
    let bomb = "[".repeat(100_000);

    assert!(matches!(
        Value::parse(bomb.as_bytes()),
        Err(JsonError::Syntax(_))
    ));
}

#[test]
fn control_characters_are_escaped_in_lower_case() {
    assert_eq!(
        canonical(r#""\u001F\u0000\n\u007f""#),
        "\"\\u001f\\u0000\\n\u{7f}\""
    );
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-MAX_INT..=MAX_INT).prop_map(Value::Int),
        any::<String>().prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn canonical_form_parses_to_the_same_value(value in any_value()) {
        let bytes = value.to_bytes();

        let parsed = Value::parse(&bytes).unwrap();

        prop_assert_eq!(&parsed, &value);
        prop_assert_eq!(parsed.to_bytes(), bytes);
        prop_assert!(parsed.is_strict());
    }

    #[test]
    fn any_bytes_are_parsed_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(value) = Value::parse(&bytes) {
            prop_assert_eq!(Value::parse(&value.to_bytes()).unwrap(), value);
        }
    }
}

//! The order of encoded values is the order of the values.

use std::cmp::Ordering;

use proptest::prelude::*;

use super::*;
use crate::Blob;
use crate::schema::ROOM;

#[derive(Clone, Debug)]
enum Value {
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Value {
    fn bson(&self) -> Bson {
        match self {
            Self::Integer(number) => {
                i32::try_from(*number).map_or(Bson::Int64(*number), Bson::Int32)
            }
            Self::Text(text) => Bson::String(text.clone()),
            Self::Bytes(bytes) => Blob(bytes.clone()).into(),
        }
    }

    fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Bytes(a), Self::Bytes(b)) => (a.len(), a).cmp(&(b.len(), b)),
            (Self::Integer(_), _) | (Self::Text(_), Self::Bytes(_)) => Ordering::Less,
            _ => Ordering::Greater,
        }
    }
}

fn values() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::Integer),
        (-2..2_i64).prop_map(Value::Integer),
        "[\\x00\\x01a]{0,3}".prop_map(Value::Text),
        prop::collection::vec(0..3_u8, 0..3).prop_map(Value::Bytes),
    ]
}

fn encoded(values: &[Value]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for value in values {
        push_owned(ROOM, &mut bytes, &value.bson()).expect("indexable");
    }
    bytes
}

proptest! {
    #[test]
    fn order_of_lists_is_kept(
        a in prop::collection::vec(values(), 2),
        b in prop::collection::vec(values(), 2),
    ) {
        let order = a[0].order(&b[0]).then(a[1].order(&b[1]));

        prop_assert_eq!(encoded(&a).cmp(&encoded(&b)), order);
    }

    #[test]
    fn a_value_is_never_the_beginning_of_another(a in values(), b in values()) {
        let (left, right) = (encoded(std::slice::from_ref(&a)), encoded(std::slice::from_ref(&b)));

        prop_assert_eq!(right.starts_with(&left), a.order(&b) == Ordering::Equal);
    }

    #[test]
    fn bounds_hold_exactly_the_values_between(
        low in values(), high in values(), value in values(), rest in values(),
    ) {
        let bytes = encoded(&[Value::Integer(7), value.clone(), rest]);
        let range = (Bound::Excluded(low.bson()), Bound::Included(high.bson()));

        let (from, to) = bounds(ROOM, &[Bson::Int64(7)], Some(&range)).expect("indexable");

        let inside = value.order(&low) == Ordering::Greater
            && value.order(&high) != Ordering::Greater;
        prop_assert_eq!(std::ops::RangeBounds::contains(&(from, to), &bytes), inside);
    }
}

//! Objects: their fields in the order of their keys.

use std::{fmt, mem, ops, slice, vec};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
};
use smol_str::SmolStr;

use super::Value;

/// The key of a field. Short ones, which most are, take no memory of their own.
pub type Key = SmolStr;

/// A JSON object. Its fields are a list sorted by code point, which is the order of canonical JSON:
/// events have few, and a tree of them would take several times the memory.
///
/// A field is found in logarithmic time; inserting moves the fields behind it, so objects with many
/// are collected, and not built field by field.
#[derive(Clone, Default, PartialEq)]
pub struct Object {
    fields: Vec<(Key, Value)>,
}

impl Object {
    /// An object without fields.
    pub const fn new() -> Self {
        Self { fields: Vec::new() }
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    fn find(&self, key: &str) -> Result<usize, usize> {
        self.fields
            .binary_search_by(|(other, _)| other.as_str().cmp(key))
    }

    /// The value of a field.
    pub fn get(&self, key: &str) -> Option<&Value> {
        let at = self.find(key).ok()?;
        Some(&self.fields[at].1)
    }

    /// The value of a field, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        let at = self.find(key).ok()?;
        Some(&mut self.fields[at].1)
    }

    /// The object in a field. If there is none, an empty one is put there.
    pub fn object_mut(&mut self, key: &str) -> &mut Self {
        let at = self.find(key).unwrap_or_else(|at| {
            self.fields.insert(at, (key.into(), Value::Null));
            at
        });
        let value = &mut self.fields[at].1;
        if !matches!(value, Value::Object(_)) {
            *value = Self::new().into();
        }
        let Value::Object(object) = value else {
            unreachable!("it is one now")
        };
        object
    }

    /// Whether there is a field of that name.
    pub fn contains_key(&self, key: &str) -> bool {
        self.find(key).is_ok()
    }

    /// Sets a field, and returns what it was.
    pub fn insert(&mut self, key: impl Into<Key>, value: Value) -> Option<Value> {
        let key = key.into();
        match self.find(&key) {
            Ok(at) => Some(mem::replace(&mut self.fields[at].1, value)),
            Err(at) => {
                self.fields.insert(at, (key, value));
                None
            }
        }
    }

    /// Takes a field out.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let at = self.find(key).ok()?;
        Some(self.fields.remove(at).1)
    }

    /// Keeps the fields that `keep` wants.
    pub fn retain(&mut self, mut keep: impl FnMut(&Key, &mut Value) -> bool) {
        self.fields.retain_mut(|(key, value)| keep(key, value));
    }

    /// The fields in the order of their keys.
    pub fn iter(&self) -> Iter<'_> {
        self.fields.iter().map(|(key, value)| (key, value))
    }

    /// The names of the fields.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &Key> + ExactSizeIterator {
        self.fields.iter().map(|(key, _)| key)
    }

    /// The values in the order of their keys.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Value> + ExactSizeIterator {
        self.fields.iter().map(|(_, value)| value)
    }

    /// The same, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.fields.iter_mut().map(|(_, value)| value)
    }

    /// From fields in any order; of those with the same key the last one counts.
    fn of(mut fields: Vec<(Key, Value)>) -> Self {
        if !fields.is_sorted_by(|(a, _), (b, _)| a < b) {
            // The last of those with the same key comes first, and is kept.
            fields.reverse();
            fields.sort_by(|(a, _), (b, _)| a.cmp(b));
            fields.dedup_by(|(a, _), (b, _)| a == b);
        }
        fields.shrink_to_fit();
        Self { fields }
    }
}

/// The fields of an object.
pub type Iter<'a> =
    std::iter::Map<slice::Iter<'a, (Key, Value)>, fn(&'a (Key, Value)) -> (&'a Key, &'a Value)>;

impl ops::Index<&str> for Object {
    type Output = Value;

    /// # Panics
    ///
    /// If there is no field of that name.
    fn index(&self, key: &str) -> &Value {
        self.get(key).expect("there is a field of that name")
    }
}

impl<'a> IntoIterator for &'a Object {
    type Item = (&'a Key, &'a Value);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Object {
    type Item = (Key, Value);
    type IntoIter = vec::IntoIter<(Key, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.fields.into_iter()
    }
}

impl<K: Into<Key>> FromIterator<(K, Value)> for Object {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(fields: I) -> Self {
        let fields = fields.into_iter();
        Self::of(fields.map(|(key, value)| (key.into(), value)).collect())
    }
}

impl<K: Into<Key>, const N: usize> From<[(K, Value); N]> for Object {
    fn from(fields: [(K, Value); N]) -> Self {
        fields.into_iter().collect()
    }
}

impl<K: Into<Key>> Extend<(K, Value)> for Object {
    fn extend<I: IntoIterator<Item = (K, Value)>>(&mut self, fields: I) {
        let mut all = mem::take(&mut self.fields);
        all.extend(fields.into_iter().map(|(key, value)| (key.into(), value)));
        *self = Self::of(all);
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(self).finish()
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

/// Reads the fields of a JSON object.
pub(super) struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry::<Key, Value>()? {
            fields.push(field);
        }
        Ok(Object::of(fields))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn fields() -> impl Strategy<Value = Vec<(String, i64)>> {
        prop::collection::vec(("[a-cé𝄞]{0,2}", 0_i64..9), 0..12)
    }

    fn object(fields: &[(String, i64)]) -> Object {
        let fields = fields.iter();
        fields
            .map(|(key, value)| (key.as_str(), Value::from(*value)))
            .collect()
    }

    fn pairs(object: &Object) -> Vec<(String, Value)> {
        let fields = object.iter();
        fields
            .map(|(key, value)| (key.to_string(), value.clone()))
            .collect()
    }

    proptest! {
        #[test]
        fn an_object_is_a_map(first in fields(), more in fields(), kept in 0_i64..9) {
            let values = |fields: Vec<(String, i64)>| {
                let fields = fields.into_iter();
                fields.map(|(key, value)| (key, Value::from(value)))
            };
            let mut map: BTreeMap<String, Value> = values(first.clone()).collect();
            let mut object = object(&first);
            prop_assert_eq!(pairs(&object), map.clone().into_iter().collect::<Vec<_>>());

            for (key, value) in values(more.clone()) {
                prop_assert_eq!(object.get(&key), map.get(&key));
                prop_assert_eq!(object.insert(key.clone(), value.clone()), map.insert(key, value));
            }
            for (key, _) in &first {
                prop_assert_eq!(object.remove(key), map.remove(key));
            }
            object.extend(values(first.clone()));
            map.extend(values(first));
            prop_assert_eq!(pairs(&object), map.clone().into_iter().collect::<Vec<_>>());

            object.retain(|_, value| *value != Value::from(kept));
            map.retain(|_, value| *value != Value::from(kept));
            prop_assert_eq!(pairs(&object), map.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn the_last_of_equal_keys_counts(fields in fields()) {
            let text = fields.iter().map(|(key, value)| format!("\"{key}\":{value}"));
            let text = format!("{{{}}}", text.collect::<Vec<_>>().join(","));

            let read: Object = serde_json::from_str(&text).unwrap();

            prop_assert_eq!(read, object(&fields));
        }
    }
}

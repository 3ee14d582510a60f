//! Canonical JSON: the one byte form of a JSON value that is hashed and signed.
//!
//! Specification: <https://spec.matrix.org/v1.19/appendices/#canonical-json>.

mod extent;
mod object;

use std::fmt;

pub use extent::Extent;
use object::ObjectVisitor;
pub use object::{Iter, Key, Object};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, SeqAccess, Visitor},
};

/// The deepest nesting of what is parsed.
const MAX_DEPTH: usize = 128;

/// The largest integer of canonical JSON, 2^53 - 1.
pub const MAX_INT: i64 = (1 << 53) - 1;

/// A JSON value. `Number` holds what canonical JSON forbids (fractions, large integers) and what
/// the rooms of versions 1 to 5 contain all the same.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An integer within ±(2^53 - 1).
    Int(i64),
    /// Any other number.
    Number(serde_json::Number),
    /// Text.
    String(String),
    /// An array.
    Array(Vec<Value>),
    /// An object.
    Object(Object),
}

/// Why bytes are not the JSON that was asked for.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// Not JSON, or nested deeper than 128 levels.
    #[error("not JSON: {0}")]
    Syntax(#[source] serde_json::Error),
    /// It would take far more memory than its length lets expect.
    #[error("too many values")]
    TooMany,
    /// JSON, but not an object.
    #[error("not a JSON object")]
    NotObject,
    /// A number that is no integer within ±(2^53 - 1).
    #[error("a number outside of canonical JSON")]
    Number,
}

impl Value {
    /// Parses any JSON value that is not made of tiny pieces: of those, a few megabytes would become
    /// gigabytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, JsonError> {
        let extent = Extent::of(bytes);
        if extent.depth > MAX_DEPTH {
            let error = serde::de::Error::custom("it is nested too deeply");
            return Err(JsonError::Syntax(error));
        }
        if !extent.is_fair() {
            return Err(JsonError::TooMany);
        }
        serde_json::from_slice(bytes).map_err(JsonError::Syntax)
    }

    /// Whether the value obeys canonical JSON, which rooms demand from version 6 on.
    pub fn is_strict(&self) -> bool {
        match self {
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::String(_) => true,
            Self::Number(_) => false,
            Self::Array(items) => items.iter().all(Self::is_strict),
            Self::Object(object) => object.values().all(Self::is_strict),
        }
    }

    /// The text, if it is text.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self {
            Some(text)
        } else {
            None
        }
    }

    /// The integer, if it is one within the canonical range.
    pub fn as_int(&self) -> Option<i64> {
        if let Self::Int(number) = self {
            Some(*number)
        } else {
            None
        }
    }

    /// The truth value, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self {
            Some(*value)
        } else {
            None
        }
    }

    /// The array, if it is one.
    pub fn as_array(&self) -> Option<&[Value]> {
        if let Self::Array(items) = self {
            Some(items)
        } else {
            None
        }
    }

    /// The object, if it is one.
    pub fn as_object(&self) -> Option<&Object> {
        if let Self::Object(object) = self {
            Some(object)
        } else {
            None
        }
    }

    /// Appends the canonical form to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::Int(number) => out.extend_from_slice(number.to_string().as_bytes()),
            Self::Number(number) => out.extend_from_slice(number.to_string().as_bytes()),
            Self::String(text) => write_string(text, out),
            Self::Array(items) => {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
            Self::Object(object) => write_object(object, out),
        }
    }

    /// The canonical form.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }
}

/// Parses a JSON object.
pub fn parse_object(bytes: &[u8]) -> Result<Object, JsonError> {
    match Value::parse(bytes)? {
        Value::Object(object) => Ok(object),
        _ => Err(JsonError::NotObject),
    }
}

/// The canonical form of an object.
pub fn object_to_bytes(object: &Object) -> Vec<u8> {
    let mut out = Vec::new();
    write_object(object, &mut out);
    out
}

/// Whether every number in the object is a canonical integer.
pub fn is_strict_object(object: &Object) -> bool {
    object.values().all(Value::is_strict)
}

/// An object from anything that serializes to one. Numbers outside of canonical JSON stay as they
/// are; callers check with [`is_strict_object`].
pub fn to_object<T: Serialize>(value: &T) -> Result<Object, JsonError> {
    let bytes = serde_json::to_vec(value).map_err(JsonError::Syntax)?;
    parse_object(&bytes)
}

fn write_object(object: &Object, out: &mut Vec<u8>) {
    out.push(b'{');
    for (index, (key, value)) in object.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(key, out);
        out.push(b':');
        value.write(out);
    }
    out.push(b'}');
}

fn write_string(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for &byte in text.as_bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x09 => out.extend_from_slice(b"\\t"),
            0x0a => out.extend_from_slice(b"\\n"),
            0x0c => out.extend_from_slice(b"\\f"),
            0x0d => out.extend_from_slice(b"\\r"),
            0x00..=0x1f => {
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(byte >> 4)]);
                out.push(HEX[usize::from(byte & 15)]);
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        if (-MAX_INT..=MAX_INT).contains(&number) {
            Self::Int(number)
        } else {
            Self::Number(number.into())
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::Array(items)
    }
}

impl From<serde_json::Value> for Value {
    fn from(value: serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(value) => Self::Bool(value),
            serde_json::Value::Number(number) => {
                number.as_i64().map_or(Self::Number(number), Self::from)
            }
            serde_json::Value::String(text) => Self::String(text),
            serde_json::Value::Array(items) => {
                Self::Array(items.into_iter().map(Self::from).collect())
            }
            serde_json::Value::Object(object) => Self::Object(
                object
                    .into_iter()
                    .map(|(key, value)| (key, Self::from(value)))
                    .collect(),
            ),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Number(number) => number.serialize(serializer),
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(items) => serializer.collect_seq(items),
            Self::Object(object) => serializer.collect_map(object),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or_else(|_| Value::Number(value.into()), Value::from))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        serde_json::Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        items.shrink_to_fit();
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        ObjectVisitor.visit_map(map).map(Value::Object)
    }
}

#[cfg(test)]
mod tests;

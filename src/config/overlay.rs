//! The environment over the file.

use std::collections::BTreeMap;

use serde::{
    Deserializer,
    de::{
        DeserializeSeed, Error as _, IntoDeserializer, MapAccess, Visitor,
        value::{SeqDeserializer, StringDeserializer},
    },
    forward_to_deserialize_any,
};
use toml::{Value, de::Error};

const PREFIX: &str = "GANTRY_";

/// A value of either source. Text, which is all that the environment has, becomes what the field
/// is: a list is separated by commas, also in the file.
#[derive(Debug, Clone)]
pub(super) enum Layered {
    Section(String, BTreeMap<String, Layered>),
    Toml(Value),
    Text(String),
}

/// The tables of the file with the variables of the environment in them.
pub(super) fn layers(
    file: toml::Table,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Layered {
    let mut sections = BTreeMap::new();
    for (name, value) in file {
        let layered = match value {
            Value::Table(keys) => {
                let keys = keys
                    .into_iter()
                    .map(|(key, value)| (key, Layered::Toml(value)));
                Layered::Section(format!("{name}."), keys.collect())
            }
            value => Layered::Toml(value),
        };
        sections.insert(name, layered);
    }
    for (name, text) in environment {
        let Some((section, key)) = name
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split_once("__"))
        else {
            continue;
        };
        let section = section.to_ascii_lowercase();
        let entry = sections
            .entry(section.clone())
            .or_insert_with(|| Layered::Section(format!("{section}."), BTreeMap::new()));
        if let Layered::Section(_, keys) = entry {
            keys.insert(key.to_ascii_lowercase(), Layered::Text(text));
        }
    }
    Layered::Section(String::new(), sections)
}

impl<'de> Deserializer<'de> for Layered {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Section(path, keys) => visitor.visit_map(Keys {
                path,
                rest: keys.into_iter(),
                current: None,
            }),
            Self::Toml(value) => value.deserialize_any(visitor),
            Self::Text(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Text(text) => match text.trim() {
                "true" | "1" => visitor.visit_bool(true),
                "false" | "0" => visitor.visit_bool(false),
                _ => Err(Error::custom(format!(
                    "expected true or false, found {text:?}"
                ))),
            },
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Text(text) => match text.trim().parse() {
                Ok(number) => visitor.visit_u64(number),
                Err(_) => Err(Error::custom(format!("expected a number, found {text:?}"))),
            },
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Text(text) | Self::Toml(Value::String(text)) => {
                let items = text
                    .split(',')
                    .map(str::trim)
                    .filter(|item| !item.is_empty())
                    .map(|item| item.to_owned().into_deserializer());
                visitor.visit_seq(SeqDeserializer::<_, Error>::new(
                    items
                        .collect::<Vec<StringDeserializer<Error>>>()
                        .into_iter(),
                ))
            }
            other => other.deserialize_any(visitor),
        }
    }

    /// An empty variable is an absent value.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Text(text) if text.is_empty() => visitor.visit_none(),
            other => visitor.visit_some(other),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self {
            Self::Text(text) => {
                let text: StringDeserializer<Error> = text.into_deserializer();
                text.deserialize_enum(name, variants, visitor)
            }
            Self::Toml(value) => value.deserialize_enum(name, variants, visitor),
            Self::Section(..) => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 f32 f64 char str string bytes byte_buf unit unit_struct tuple
        tuple_struct map struct identifier ignored_any
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_u64(visitor)
    }
}

struct Keys {
    /// The section and a dot, for messages.
    path: String,
    rest: std::collections::btree_map::IntoIter<String, Layered>,
    current: Option<(String, Layered)>,
}

impl<'de> MapAccess<'de> for Keys {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let Some((key, value)) = self.rest.next() else {
            return Ok(None);
        };
        let name: StringDeserializer<Error> = key.clone().into_deserializer();
        let path = format!("{}{key}", self.path);
        self.current = Some((key, value));
        let field = seed.deserialize(name);
        field.map(Some).map_err(|error| at(&path, &error))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let (key, value) = self
            .current
            .take()
            .expect("a value is asked for after its key");
        let is_section = matches!(value, Layered::Section(..));
        seed.deserialize(value).map_err(|error| {
            if is_section {
                error
            } else {
                at(&format!("{}{key}", self.path), &error)
            }
        })
    }
}

fn at(path: &str, error: &Error) -> Error {
    Error::custom(format!("{path}: {}", error.message()))
}

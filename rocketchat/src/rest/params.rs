//! Parameters of the query.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde_json::Value;

use crate::calls::RoomRef;
use crate::error::{Error, Result};
use crate::map::parse_date;

/// The most parameters that are looked at.
const MAX_PARAMS: usize = 100;

/// Items of a page if the client does not say.
const DEFAULT_COUNT: usize = 50;

/// The most items of a page that a client can ask for.
const MAX_COUNT: usize = 100;

/// The most items where a client asks for all.
const UNLIMITED: usize = 1_000;

/// The parameters of a query.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

impl Params {
    fn parse(query: &str) -> Self {
        let pairs = url::form_urlencoded::parse(query.as_bytes()).take(MAX_PARAMS);
        Self(
            pairs
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        )
    }

    /// A parameter that is not empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let found = self
            .0
            .iter()
            .find(|(key, value)| key == name && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    }

    /// A parameter that must be there.
    pub(crate) fn require(&self, name: &str) -> Result<&str> {
        self.text(name).ok_or_else(|| Error::missing(name))
    }

    /// A truth value; false if it is not there.
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.text(name).map(|text| matches!(text, "true" | "1"))
    }

    /// A time, in milliseconds since the Unix epoch.
    pub(crate) fn date(&self, name: &str) -> Result<Option<i64>> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let invalid = || {
            let reason = format!("The \"{name}\" query parameter must be a valid date.");
            Error::new("error-roomId-param-invalid", reason)
        };
        parse_date(text).map(Some).ok_or_else(invalid)
    }

    /// Items named one by one, as `name=a,b` or `name[]=a&name[]=b`.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        let bracketed = format!("{name}[]");
        self.0
            .iter()
            .filter(|(key, _)| key == name || *key == bracketed)
            .flat_map(|(_, value)| value.split(','))
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .collect()
    }

    /// The names that an old client asks for: `query={"_id":{"$in":[..]}}`.
    pub(crate) fn ids_of_query(&self) -> Vec<String> {
        let query = self
            .text("query")
            .and_then(|text| serde_json::from_str::<Value>(text).ok());
        let ids = query
            .as_ref()
            .and_then(|query| query.get("_id")?.get("$in")?.as_array());
        let texts = ids.into_iter().flatten().filter_map(Value::as_str);
        texts.map(str::to_owned).take(500).collect()
    }

    /// Which page is wanted.
    pub(crate) fn paging(&self) -> Paging {
        let number = |name| self.text(name).and_then(|text| text.parse::<usize>().ok());
        let count = match number("count") {
            Some(0) => UNLIMITED,
            Some(count) => count.min(MAX_COUNT),
            None => DEFAULT_COUNT,
        };
        Paging {
            offset: number("offset").unwrap_or(0),
            count,
        }
    }

    /// The room that is meant.
    pub(crate) fn room(&self) -> Result<RoomRef<'_>> {
        match (self.text("roomId"), self.text("roomName")) {
            (Some(id), _) => Ok(RoomRef::Id(id)),
            (None, Some(name)) => Ok(RoomRef::Name(name)),
            (None, None) => {
                let reason = "The parameter \"roomId\" or \"roomName\" is required";
                Err(Error::new("error-roomid-param-not-provided", reason))
            }
        }
    }
}

/// A page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paging {
    /// How many items to pass over.
    pub(crate) offset: usize,
    /// How many items at most.
    pub(crate) count: usize,
}

impl Paging {
    /// The items of the page.
    pub(crate) fn of<T>(self, items: Vec<T>) -> Vec<T> {
        items
            .into_iter()
            .skip(self.offset)
            .take(self.count)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pages_are_bounded() {
        let paging = |query| Params::parse(query).paging();

        assert_eq!(
            paging(""),
            Paging {
                offset: 0,
                count: 50
            }
        );
        assert_eq!(
            paging("count=5&offset=7"),
            Paging {
                offset: 7,
                count: 5
            }
        );
        assert_eq!(
            paging("count=5000"),
            Paging {
                offset: 0,
                count: 100
            }
        );
        assert_eq!(paging("count=0").count, UNLIMITED);
        assert_eq!(
            paging("count=-1&offset=x"),
            Paging {
                offset: 0,
                count: 50
            }
        );
        assert_eq!(
            Paging {
                offset: 2,
                count: 2
            }
            .of(vec![1, 2, 3, 4, 5]),
            [3, 4]
        );
    }

    #[test]
    fn lists_come_in_three_forms() {
        let old = Params::parse("query=%7B%22_id%22%3A%7B%22%24in%22%3A%5B%22a%22%5D%7D%7D");

        assert_eq!(Params::parse("_id=a,b").list("_id"), ["a", "b"]);
        assert_eq!(Params::parse("ids[]=a&ids[]=b").list("ids"), ["a", "b"]);
        assert_eq!(old.ids_of_query(), ["a"]);
    }

    #[test]
    fn a_room_is_named_by_id_or_name() {
        let named = |query: &str| match Params::parse(query).room() {
            Ok(RoomRef::Id(id)) => format!("id {id}"),
            Ok(RoomRef::Name(name)) => format!("name {name}"),
            Err(error) => error.code.unwrap().to_owned(),
        };

        assert_eq!(named("roomId=x&roomName=y"), "id x");
        assert_eq!(named("roomName=y"), "name y");
        assert_eq!(named("roomId="), "error-roomid-param-not-provided");
    }

    proptest! {
        #[test]
        fn any_query_is_read(query in "[a-z_%=&\\[\\]{}\":,0-9]{0,60}") {
            let params = Params::parse(&query);
            params.paging();
            params.ids_of_query();
            prop_assert!(params.list("a").len() <= query.len());
        }
    }
}

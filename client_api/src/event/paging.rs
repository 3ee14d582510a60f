//! How clients ask for pages of events.

use gantry_homeserver::{Direction, EventFilter, PageToken};
use serde::Deserialize;

use crate::error::{Error, Result};

/// The direction of a page.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(crate) enum Dir {
    /// Towards older events.
    #[default]
    #[serde(rename = "b")]
    Backward,
    /// Towards newer events.
    #[serde(rename = "f")]
    Forward,
}

impl From<Dir> for Direction {
    fn from(dir: Dir) -> Self {
        match dir {
            Dir::Backward => Self::Backward,
            Dir::Forward => Self::Forward,
        }
    }
}

/// A token of a page or of a sync.
pub(crate) fn parse_token(token: Option<&str>) -> Result<Option<PageToken>> {
    let parse = |token: &str| {
        token
            .parse()
            .map_err(|_| Error::invalid("Not a token of this server"))
    };
    token.map(parse).transpose()
}

/// The filter in the query, which is JSON.
pub(crate) fn parse_filter(filter: Option<&str>) -> Result<EventFilter> {
    let Some(filter) = filter else {
        return Ok(EventFilter::default());
    };
    serde_json::from_str(filter).map_err(|_| Error::bad_json("The filter is malformed"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_token_is_refused_or_is_itself(text in "(t[A-Za-z0-9_-]{27}|g[0-9_.]{0,9}~[0-9]{0,3}~[0-9]{0,3}|\\PC{0,9})") {
            if let Ok(token) = parse_token(Some(&text)) {
                let again = token.expect("a token").to_string();
                prop_assert_eq!(parse_token(Some(&again)).expect("its own text"), text.parse().ok());
            }
        }

        #[test]
        fn any_filter_is_read_or_refused(text in r#"[{}"\[\]:,a-z_0-9]{0,40}"#) {
            prop_assert_eq!(
                parse_filter(Some(&text)).is_ok(),
                serde_json::from_str::<EventFilter>(&text).is_ok()
            );
        }
    }

    #[test]
    fn what_is_not_given_is_not_asked_for() {
        assert_eq!(parse_token(None).expect("none"), None);
        assert_eq!(
            parse_filter(None).expect("the default"),
            EventFilter::default()
        );
    }
}

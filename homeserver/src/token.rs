//! The places in streams that clients hold.

use std::{fmt, str::FromStr};

use gantry_rooms::{Cut, TimelineKey};

/// How far a client has seen everything: the stream of stored things, and the serials of typing and
/// presence, which live in memory only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncToken {
    /// The stored things that have been seen.
    pub cut: Cut,
    /// The serial of the last typing change that has been seen.
    pub typing: u64,
    /// The serial of the last presence that has been seen.
    pub presence: u64,
}

/// A place in one room's timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageToken {
    /// A place that a page of messages, a context or a `prev_batch` named.
    Timeline(TimelineKey),
    /// The place after the last event of the room that a sync had given.
    Sync(SyncToken),
}

/// The text is not a token of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a token of this server")]
pub struct InvalidToken;

impl fmt::Display for SyncToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}~{}~{}", self.cut, self.typing, self.presence)
    }
}

impl FromStr for SyncToken {
    type Err = InvalidToken;

    fn from_str(text: &str) -> Result<Self, InvalidToken> {
        let (cut, serials) = text.split_once('~').ok_or(InvalidToken)?;
        let (typing, presence) = serials.split_once('~').ok_or(InvalidToken)?;
        Ok(Self {
            cut: cut.parse().map_err(|_| InvalidToken)?,
            typing: number(typing)?,
            presence: number(presence)?,
        })
    }
}

/// One number has one spelling: no sign, no leading zero.
fn number(text: &str) -> Result<u64, InvalidToken> {
    let number: u64 = text.parse().map_err(|_| InvalidToken)?;
    if number.to_string() == text {
        Ok(number)
    } else {
        Err(InvalidToken)
    }
}

impl fmt::Display for PageToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeline(key) => key.fmt(formatter),
            Self::Sync(token) => token.fmt(formatter),
        }
    }
}

impl FromStr for PageToken {
    type Err = InvalidToken;

    fn from_str(text: &str) -> Result<Self, InvalidToken> {
        match text.parse() {
            Ok(key) => Ok(Self::Timeline(key)),
            Err(_) => text.parse().map(Self::Sync),
        }
    }
}

#[cfg(test)]
mod tests {
    use gantry_rooms::Position;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sync_tokens_come_back(generation: u32, w in 1_u16..9, s in 1_u64..1 << 48, typing: u64, presence: u64) {
            let mut cut = Cut::new(generation);
            cut.advance(Position { w, s });
            let token = SyncToken { cut, typing, presence };

            prop_assert_eq!(token.to_string().parse(), Ok(token.clone()));
            prop_assert_eq!(token.to_string().parse(), Ok(PageToken::Sync(token)));
        }

        #[test]
        fn any_text_is_refused_or_is_its_own_token(text in "g[0-9_.]{0,9}~[0-9+]{0,4}~[0-9]{0,2}|t[A-Za-z0-9_-]{27}") {
            if let Ok(token) = text.parse::<PageToken>() {
                prop_assert_eq!(token.to_string().parse(), Ok(token));
            }
        }
    }

    #[test]
    fn the_kinds_of_tokens_cannot_be_confused() {
        let timeline = TimelineKey::END.to_string();

        assert!(timeline.parse::<SyncToken>().is_err());
        assert_eq!(timeline.parse(), Ok(PageToken::Timeline(TimelineKey::END)));
    }
}

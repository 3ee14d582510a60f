//! Reactions: Matrix has the character, Rocket.Chat the `:name:`.

use std::collections::HashMap;

use super::emoji_table::{ALIASES, NAMES};

/// The longest key of a reaction that is shown, in bytes.
const MAX_KEY_BYTES: usize = 128;

/// Both directions of the table. Built once per server.
#[derive(Debug)]
pub(crate) struct Emoji {
    by_name: HashMap<&'static str, &'static str>,
    by_char: HashMap<String, &'static str>,
}

impl Emoji {
    pub(crate) fn new() -> Self {
        let by_name = NAMES.iter().chain(ALIASES).copied().collect();
        let by_char = NAMES
            .iter()
            .map(|(name, char)| (plain(char), *name))
            .collect();
        Self { by_name, by_char }
    }

    /// The key of a reaction as Rocket.Chat has it: `:name:`, or what it is if it has no name.
    pub(crate) fn to_rc(&self, key: &str) -> Option<String> {
        if key.is_empty() || key.len() > MAX_KEY_BYTES || key.contains(char::is_control) {
            return None;
        }
        // Field names with dots or a dollar are no field names to some clients.
        let key = key.replace(['.', '$'], "_");
        Some(match self.by_char.get(&plain(&key)) {
            Some(name) => format!(":{name}:"),
            None => key,
        })
    }

    /// The key that Matrix has, from `:name:`, `name` or the character itself.
    pub(crate) fn to_matrix(&self, emoji: &str) -> Option<String> {
        let name = emoji.trim().trim_matches(':');
        if name.is_empty() || emoji.len() > MAX_KEY_BYTES || name.contains(char::is_control) {
            return None;
        }
        if let Some(char) = self.by_name.get(name) {
            return Some((*char).to_owned());
        }
        let is_name = name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_+-".contains(&byte));
        Some(if is_name {
            format!(":{name}:")
        } else {
            name.to_owned()
        })
    }

    /// Whether two keys are of the same reaction: senders add a selector or not.
    pub(crate) fn is_same(one: &str, other: &str) -> bool {
        plain(one) == plain(other)
    }
}

/// Without the selector of the coloured form, which some senders leave out.
fn plain(key: &str) -> String {
    key.replace('\u{fe0f}', "")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_name_leads_to_its_character_and_back() {
        let emoji = Emoji::new();

        assert_eq!(emoji.by_char.len(), NAMES.len());
        assert_eq!(emoji.by_name.len(), NAMES.len() + ALIASES.len());
        for (name, char) in NAMES {
            let key = emoji.to_matrix(&format!(":{name}:")).unwrap();
            assert_eq!(key, *char);
            assert_eq!(emoji.to_rc(&key).unwrap(), format!(":{name}:"));
        }
        assert_eq!(emoji.to_matrix("+1").as_deref(), Some("👍"));
        assert_eq!(emoji.to_rc("❤").as_deref(), Some(":heart:"));
    }

    #[test]
    fn what_has_no_name_stays_what_it_is() {
        let emoji = Emoji::new();

        assert_eq!(
            emoji.to_matrix(":party_parrot:").as_deref(),
            Some(":party_parrot:")
        );
        assert_eq!(
            emoji.to_rc(":party_parrot:").as_deref(),
            Some(":party_parrot:")
        );
        assert_eq!(emoji.to_rc("🧿").as_deref(), Some("🧿"));
        assert_eq!(emoji.to_matrix("🧿").as_deref(), Some("🧿"));
        assert_eq!(emoji.to_rc("a.b").as_deref(), Some("a_b"));
        for nothing in ["", "::", "\u{0}", &"x".repeat(200)] {
            assert_eq!(emoji.to_matrix(nothing), None);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_mapped_or_refused(key in "\\PC{0,40}") {
            let emoji = Emoji::new();
            if let Some(rc) = emoji.to_rc(&key) {
                prop_assert!(!rc.is_empty() && !rc.contains('.'));
            }
            if let Some(matrix) = emoji.to_matrix(&key) {
                prop_assert!(!matrix.is_empty());
            }
        }
    }
}

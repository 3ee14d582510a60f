//! Section `registration`.

use gantry_homeserver::Term;
use serde::{Deserialize, Serialize};

use super::Secret;

/// New accounts.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegistrationConfig {
    /// Whether anybody may register. Without it: yes if only this machine can reach the server,
    /// otherwise no.
    pub open: Option<bool>,
    /// Whether registering takes a registration token (`gantry admin create-token`). Whoever has
    /// one may register even if registration is not open.
    pub token_required: bool,
    /// Whether registering takes an e-mail address that was proven; needs the section `mail`.
    pub email_required: bool,
    /// Texts that a new user has to agree to, each "ID VERSION LANGUAGE URL NAME", for example
    /// `privacy_policy 1.0 en https://example.org/privacy Privacy policy`.
    pub terms: Vec<String>,
    /// A secret by which tools may register users although registration is closed.
    pub shared_secret: Option<Secret>,
    /// Whether guests may register.
    pub guests: bool,
}

impl RegistrationConfig {
    /// Whether anybody may register. Loading a configuration decides what was left open.
    pub fn is_open(&self) -> bool {
        self.open.unwrap_or(false)
    }

    /// The texts to agree to; `Err` holds the first that cannot be read.
    pub fn parsed_terms(&self) -> Result<Vec<Term>, String> {
        let parsed = |text: &String| parse_term(text).ok_or_else(|| text.clone());
        self.terms.iter().map(parsed).collect()
    }
}

fn parse_term(text: &str) -> Option<Term> {
    let mut parts = text.splitn(5, ' ').map(str::to_owned);
    let mut next = || parts.next().filter(|part| !part.is_empty());
    Some(Term {
        id: next()?,
        version: next()?,
        language: next()?,
        url: next()?,
        name: next()?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_term_has_five_parts_and_a_name_with_blanks() {
        let term = parse_term("privacy 1.0 en https://x.org/p Privacy policy").unwrap();

        assert_eq!(
            (term.id.as_str(), term.version.as_str()),
            ("privacy", "1.0")
        );
        assert_eq!(term.name, "Privacy policy");
        assert_eq!(parse_term("privacy 1.0 en https://x.org/p"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_a_term_or_refused(text in "[a-z ]{0,30}") {
            if let Some(term) = parse_term(&text) {
                prop_assert!(!term.id.contains(' ') && !term.name.is_empty());
            }
        }
    }
}

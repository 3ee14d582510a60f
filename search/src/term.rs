//! What a person types into the search field.

use std::collections::BTreeSet;

use crate::{
    fold::unify,
    tokens::{Tokens, Wanted},
    words::{Word, words},
};

/// The most words of a query that count.
const MAX_WORDS: usize = 32;
/// The most words of a text that are held against a query to be highlighted.
const MAX_HIGHLIGHTED: usize = 50;

/// A query: words that all must occur, words that must not (`-word`), and phrases in quotation marks
/// that must occur as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Term {
    pub(crate) all: Vec<Wanted>,
    pub(crate) none: Vec<Wanted>,
    /// Unified.
    phrases: Vec<String>,
    /// Words as a text may hold them.
    shown: Vec<String>,
}

impl Term {
    /// Reads a query; any text is one.
    pub fn parse(text: &str) -> Self {
        let tokens = Tokens::new();
        let mut term = Self::default();
        for (index, piece) in text.split(['"', '“', '”', '„']).enumerate() {
            if index % 2 == 1 {
                term.add_phrase(&tokens, piece);
                continue;
            }
            for piece in piece.split_whitespace() {
                match piece.strip_prefix('-') {
                    Some(unwanted) if !unwanted.is_empty() => {
                        let unwanted = words(unwanted);
                        let rest = MAX_WORDS.saturating_sub(term.none.len());
                        let unwanted = unwanted.iter().take(rest);
                        term.none.extend(unwanted.map(|word| tokens.wanted(word)));
                    }
                    _ => term.add(&tokens, piece),
                }
            }
        }
        term
    }

    fn add(&mut self, tokens: &Tokens, text: &str) {
        for word in words(text) {
            if self.all.len() == MAX_WORDS {
                return;
            }
            self.all.push(tokens.wanted(&word));
            let (Word::Apart(shown) | Word::Run { letters: shown, .. }) = word;
            if !self.shown.contains(&shown) {
                self.shown.push(shown);
            }
        }
    }

    fn add_phrase(&mut self, tokens: &Tokens, text: &str) {
        let phrase = unify(text.trim());
        if !phrase.is_empty() && self.phrases.len() < MAX_WORDS {
            self.phrases.push(phrase);
        }
        self.add(tokens, text);
    }

    /// Whether nothing is looked for.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether a text that the index has found holds all phrases.
    pub fn accepts(&self, text: &str) -> bool {
        if self.phrases.is_empty() {
            return true;
        }
        let text = unify(text);
        self.phrases.iter().all(|phrase| text.contains(phrase))
    }

    /// The words of texts by which they were found, small: those of the query, and other forms of
    /// them.
    pub fn highlights<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        let tokens = Tokens::new();
        let forms: BTreeSet<&String> = self.all.iter().flat_map(Wanted::forms).collect();
        let mut found = self.shown.clone();
        for word in texts.into_iter().flat_map(words) {
            let Word::Apart(word) = word else { continue };
            if found.len() >= MAX_HIGHLIGHTED {
                break;
            }
            if !found.contains(&word) && tokens.of_text(&word).iter().any(|one| forms.contains(one))
            {
                found.push(word);
            }
        }
        found
    }
}

impl Wanted {
    /// The tokens of which one is enough.
    fn forms(&self) -> Vec<&String> {
        match self {
            Self::Token(token) => vec![token],
            Self::Any(some) => some.iter().flat_map(Self::forms).collect(),
            Self::All(_) | Self::Prefix(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_phrases_and_what_is_not_wanted() {
        let term = Term::parse("cats -dogs \"blue  moon\" well-known");

        assert_eq!((term.all.len(), term.none.len()), (5, 1));
        assert!(term.accepts("a Blue  Moon") && !term.accepts("a moon, blue"));
        assert_eq!(
            term.highlights(["Cat and cats"]),
            ["cats", "blue", "moon", "well", "known", "cat"]
        );
        assert!(Term::parse("-dogs").is_empty() && Term::parse("…").is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_a_query_within_bounds(text in "(\\PC{0,80}|[a-c\"“ -]{0,80})") {
            let term = Term::parse(&text);

            prop_assert!(term.all.len() <= MAX_WORDS && term.none.len() <= MAX_WORDS);
            prop_assert!(term.highlights([text.as_str()]).len() <= MAX_HIGHLIGHTED);
        }

        #[test]
        fn a_quoted_text_accepts_itself(text in "[a-zA-Zäß가-힣一-龥 ]{0,40}") {
            let quoted = format!("\"{text}\"");
            prop_assert!(Term::parse(&quoted).accepts(&text));
        }
    }
}

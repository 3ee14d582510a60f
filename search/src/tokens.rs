//! Words to what stands in the index.
//!
//! Beside the word itself, each word has forms by which it is found as well: its stem in English and
//! German, its spelling without umlauts, its parts, and for Chinese, Japanese and Korean each pair of
//! letters. A form begins with a mark, so that it is never taken for the word that it looks like.

use std::collections::BTreeSet;

use frostem::{Algorithm, Stemmer};

use crate::{
    fold::{plain, without_umlauts},
    words::{Word, words},
};

/// What a stem begins with.
const STEM: char = '\u{1}';
/// What a pair of letters begins with, and a letter that ends a run.
const PAIR: char = '\u{2}';
/// The most that is indexed of one text, in bytes.
const MAX_TEXT: usize = 32 * 1024;

/// Makes what stands in the index.
pub(crate) struct Tokens {
    stemmers: [Stemmer; 2],
}

/// By what a word of a query is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// By this.
    Token(String),
    /// By what begins with this.
    Prefix(String),
    /// By any of these, of which the first counts most.
    Any(Vec<Self>),
    /// By all of these together.
    All(Vec<Self>),
}

impl Tokens {
    pub(crate) fn new() -> Self {
        Self {
            stemmers: [Algorithm::English, Algorithm::German].map(Stemmer::new),
        }
    }

    /// What stands in the index for a text, in the order of its words.
    pub(crate) fn of_text(&self, text: &str) -> Vec<String> {
        let mut tokens = Vec::new();
        for word in words(head(text)) {
            match word {
                Word::Apart(word) => {
                    let exact = plain(&word).into_owned();
                    let stems = self.stems(&word).into_iter();
                    // What is its own stem is found as itself.
                    let stems = stems
                        .filter(|stem| *stem != exact)
                        .map(|stem| marked(&stem));
                    tokens.extend(stems);
                    tokens.push(exact);
                    tokens.extend(without_umlauts(&word));
                    tokens.extend(pieces(&word));
                }
                Word::Run { letters, words } => {
                    tokens.extend(words);
                    tokens.extend(pairs(&letters, true));
                }
            }
        }
        tokens
    }

    /// By what a word of a query is found.
    pub(crate) fn wanted(&self, word: &Word) -> Wanted {
        match word {
            Word::Apart(word) => {
                let exact = Wanted::Token(plain(word).into_owned());
                let pieces: Vec<String> = pieces(word).collect();
                if !pieces.is_empty() {
                    return Wanted::Any(vec![exact, all(pieces)]);
                }
                let stems = self.stems(word).into_iter();
                let forms = stems.flat_map(|stem| [marked(&stem), stem]);
                let forms = forms.chain(without_umlauts(word)).map(Wanted::Token);
                Wanted::Any(std::iter::once(exact).chain(forms).collect())
            }
            // Where words begin in a text depends on what stands around them: so by its words, by
            // all its pairs of letters, or by the pairs of each word.
            Word::Run { letters, words } => Wanted::Any(vec![
                all(words.clone()),
                by_letters(letters),
                Wanted::All(words.iter().map(|word| by_word(word)).collect()),
            ]),
        }
    }

    /// The stems of a word, however its umlauts are written.
    fn stems(&self, word: &str) -> BTreeSet<String> {
        let spellings = [Some(plain(word).into_owned()), without_umlauts(word)];
        let mut stems = BTreeSet::new();
        for spelling in spellings.into_iter().flatten() {
            for stemmer in &self.stemmers {
                stems.insert(stemmer.stem(&spelling).to_string());
            }
        }
        stems.remove("");
        stems
    }
}

/// A word of a run: by itself or by its letters.
fn by_word(word: &str) -> Wanted {
    Wanted::Any(vec![Wanted::Token(word.to_owned()), by_letters(word)])
}

fn by_letters(letters: &str) -> Wanted {
    match pairs(letters, false) {
        pairs if pairs.is_empty() => Wanted::Prefix(format!("{PAIR}{letters}")),
        pairs => all(pairs),
    }
}

fn all(tokens: Vec<String>) -> Wanted {
    Wanted::All(tokens.into_iter().map(Wanted::Token).collect())
}

fn marked(stem: &str) -> String {
    format!("{STEM}{stem}")
}

/// The parts of a word that holds signs: a host name, a contraction.
fn pieces(word: &str) -> impl Iterator<Item = String> {
    let is_sign = |letter: char| !letter.is_alphanumeric();
    let parts = word.contains(is_sign).then(|| word.split(is_sign));
    let parts = parts.into_iter().flatten();
    parts
        .map(|part| plain(part).into_owned())
        .filter(|part| !part.is_empty())
}

/// Each pair of neighbouring letters of a run, and for the index its last letter: so each letter
/// begins a token.
fn pairs(run: &str, with_last: bool) -> Vec<String> {
    let letters: Vec<char> = run.chars().collect();
    let mut pairs: Vec<String> = letters
        .windows(2)
        .map(|pair| format!("{PAIR}{}{}", pair[0], pair[1]))
        .collect();
    if with_last {
        pairs.extend(letters.last().map(|last| format!("{PAIR}{last}")));
    }
    pairs
}

/// The beginning of a text that is too long.
fn head(text: &str) -> &str {
    if text.len() <= MAX_TEXT {
        return text;
    }
    let end = (0..=MAX_TEXT).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Whether a text that has these tokens is found by a word.
    fn finds(wanted: &Wanted, tokens: &BTreeSet<String>) -> bool {
        match wanted {
            Wanted::Token(token) => tokens.contains(token),
            Wanted::Prefix(prefix) => tokens.iter().any(|token| token.starts_with(prefix)),
            Wanted::Any(some) => some.iter().any(|one| finds(one, tokens)),
            Wanted::All(some) => some.iter().all(|one| finds(one, tokens)),
        }
    }

    fn found(query: &str, text: &str) -> bool {
        let tokens = Tokens::new();
        let of_text = tokens.of_text(text).into_iter().collect();
        words(query)
            .iter()
            .all(|word| finds(&tokens.wanted(word), &of_text))
    }

    #[test]
    fn forms_of_a_word_find_each_other() {
        assert!(found("connection", "We are connected"));
        assert!(found("mueller", "Herr Müller") && found("Müller", "Herr Mueller"));
        assert!(found("muller", "Herr Müller") && found("häuser", "das Haus"));
        assert!(found("example", "https://www.example.com/") && found("CAFE", "café"));
        assert!(found("example.com", "docs.example.com") && found("don't", "don’t"));
        assert!(!found("cat", "concatenate"));
    }

    #[test]
    fn a_run_is_found_by_any_stretch_of_it() {
        assert!(found("大学", "東京大学") && found("京大", "東京大学"));
        assert!(found("학교", "학교에서") && found("猫", "黒猫") && found("猫", "猫が"));
        assert!(found("手机没电", "我的手机快没电了"));
        assert!(!found("京都", "東京"));
    }

    #[test]
    fn an_accent_that_stands_on_nothing_is_no_word() {
        for text in ["A\u{37a} ", "\u{345}"] {
            let tokens = Tokens::new().of_text(text);

            assert!(tokens.iter().all(|token| !token.is_empty()), "{tokens:?}");
            assert!(found(text, text));
        }
    }

    proptest! {
        #[test]
        fn every_text_is_found_by_its_own_words(text in "(\\PC{0,40}|[a-zäöüß가-힣一-龥ぁ-んァ-ン '.0-9]{0,40})") {
            prop_assert!(found(&text, &text));
        }

        #[test]
        fn tokens_are_short_and_not_many(text in "\\PC{0,200}") {
            let tokens = Tokens::new().of_text(&text);

            prop_assert!(tokens.iter().all(|token| !token.is_empty() && token.len() <= 600));
            prop_assert!(tokens.len() <= 16 * text.chars().count() + 16);
        }
    }
}

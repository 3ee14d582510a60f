//! Text to words.
//!
//! Words are found by the rules of Unicode (UAX #29) and, for the scripts that are written without
//! spaces, by the dictionaries that ICU ships in a crate. Where a word of Chinese, Japanese or Korean
//! begins depends on what stands around it, so these are also looked for by pairs of letters.

use icu_segmenter::{WordSegmenter, options::WordBreakInvariantOptions};

use crate::fold::{plain, unify};

/// The longest word, in letters; what is longer is cut.
const MAX_WORD: usize = 64;
/// The most words that are taken of a text.
const MAX_WORDS: usize = 20_000;

/// A word, or a stretch of letters without spaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Word {
    /// Of a script that sets words apart.
    Apart(String),
    /// A stretch of Chinese, Japanese or Korean, and the words in it.
    Run {
        /// All of it.
        letters: String,
        /// Its words.
        words: Vec<String>,
    },
}

/// The words of a text, in their order.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let text = unify(text);
    let segmenter = WordSegmenter::new_dictionary(WordBreakInvariantOptions::default());
    let mut found: Vec<Word> = Vec::new();
    // Whether the last word ended where the next segment begins.
    let mut touches = false;
    let mut begin = 0;
    for (end, kind) in segmenter.segment_str(&text).iter_with_word_type() {
        let segment = &text[begin..end];
        begin = end;
        if !kind.is_word_like() {
            touches = touches && segment.is_empty();
            continue;
        }
        for part in parts(segment) {
            if found.len() >= MAX_WORDS {
                return found;
            }
            add(&mut found, part, touches);
            touches = true;
        }
    }
    found
}

/// Adds a part of a segment that is of one sort of script.
fn add(found: &mut Vec<Word>, part: &str, touches: bool) {
    if !part.chars().next().is_some_and(is_unspaced) {
        let word = cut(part);
        // Accents that stand on nothing are no word.
        if !plain(&word).is_empty() {
            found.push(Word::Apart(word));
        }
        return;
    }
    match found.last_mut() {
        Some(Word::Run { letters, words }) if touches && words.len() < MAX_WORDS => {
            letters.push_str(part);
            words.push(cut(part));
        }
        _ => found.push(Word::Run {
            letters: part.to_owned(),
            words: vec![cut(part)],
        }),
    }
}

/// A segment in parts, each of one sort of script: "Rust는" is a word by the rules.
fn parts(segment: &str) -> impl Iterator<Item = &str> {
    let mut rest = segment;
    std::iter::from_fn(move || {
        let sort = is_unspaced(rest.chars().next()?);
        let end = rest.find(|letter| is_unspaced(letter) != sort);
        let (part, behind) = rest.split_at(end.unwrap_or(rest.len()));
        rest = behind;
        Some(part)
    })
}

fn cut(word: &str) -> String {
    word.chars().take(MAX_WORD).collect()
}

/// Whether a letter belongs to Chinese, Japanese or Korean.
pub(crate) fn is_unspaced(letter: char) -> bool {
    matches!(letter,
        '\u{1100}'..='\u{11ff}' // Hangul letters
        | '\u{3005}'..='\u{3007}'
        | '\u{3041}'..='\u{3096}' // Hiragana
        | '\u{3099}'..='\u{309f}'
        | '\u{30a1}'..='\u{30fa}' // Katakana
        | '\u{30fc}'..='\u{30ff}'
        | '\u{3105}'..='\u{312f}' // Bopomofo
        | '\u{3131}'..='\u{318e}' // Hangul letters
        | '\u{31a0}'..='\u{31bf}'
        | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' // Han
        | '\u{4e00}'..='\u{9fff}'
        | '\u{a960}'..='\u{a97f}'
        | '\u{ac00}'..='\u{d7ff}' // Hangul syllables
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{323af}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apart(word: &str) -> Word {
        Word::Apart(word.to_owned())
    }

    fn run(words: &[&str]) -> Word {
        Word::Run {
            letters: words.concat(),
            words: words.iter().map(|word| (*word).to_owned()).collect(),
        }
    }

    #[test]
    fn words_are_found_with_and_without_spaces() {
        assert_eq!(
            words("The quick-brown"),
            [apart("the"), apart("quick"), apart("brown")]
        );
        assert_eq!(
            words("東京大学へ行く"),
            [run(&["東京", "大学", "へ", "行く"])]
        );
        assert_eq!(words("我们明天开会"), [run(&["我们", "明天", "开会"])]);
        assert_eq!(
            words("Rust는 빠르다"),
            [apart("rust"), run(&["는"]), run(&["빠르다"])]
        );
    }

    #[test]
    fn nothing_but_signs_is_no_word() {
        assert!(words(" \t…!? 👍").is_empty());
        assert!(words("").is_empty());
    }
}

//! Text in the form in which it is compared: compatibility forms, case and accents do not count.

use std::borrow::Cow;

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

/// Text in which words are looked for: compatibility forms are unified (half-width kana, ligatures,
/// full-width letters), letters are small.
pub(crate) fn unify(text: &str) -> String {
    let unified = ComposingNormalizerBorrowed::new_nfkc().normalize(text);
    let mut small = String::with_capacity(unified.len());
    for letter in unified.chars().flat_map(char::to_lowercase) {
        match letter {
            'ß' => small.push_str("ss"),
            // The final form of the Greek sigma, and the apostrophe that keyboards correct to.
            'ς' => small.push('σ'),
            '\u{2019}' => small.push('\''),
            // Invisible: soft hyphen, zero-width space and joiners.
            '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' => {}
            letter => small.push(letter),
        }
    }
    small
}

/// A word without accents. Only for scripts in which an accent makes no other letter.
pub(crate) fn plain(word: &str) -> Cow<'_, str> {
    if word.is_ascii() {
        return Cow::Borrowed(word);
    }
    let apart = DecomposingNormalizerBorrowed::new_nfd().normalize(word);
    Cow::Owned(apart.chars().filter(|letter| !is_accent(*letter)).collect())
}

/// Marks that stand on letters of the Latin, Greek and Cyrillic scripts.
fn is_accent(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}')
}

/// How a German word is written where there are no umlauts; `None`: it has none.
pub(crate) fn without_umlauts(word: &str) -> Option<String> {
    if !word.contains(['ä', 'ö', 'ü']) {
        return None;
    }
    let written = word.replace('ä', "ae").replace('ö', "oe");
    Some(written.replace('ü', "ue"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_that_look_alike_are_one() {
        assert_eq!(unify("ＡＢＣ ｶﾞｯｺｳ ﬁn"), "abc ガッコウ fin");
        assert_eq!(unify("STRASSE Straße"), "strasse strasse");
        assert_eq!(plain(&unify("Café ÉCOLE naïve")), "cafe ecole naive");
        assert_eq!(plain("й"), "и");
    }

    #[test]
    fn kana_keep_their_voicing() {
        assert_eq!(unify("が"), "が");
        assert_eq!(without_umlauts("müller").as_deref(), Some("mueller"));
        assert_eq!(without_umlauts("muller"), None);
    }
}

//! Patterns of names: of servers, of users.

/// A pattern in which `*` stands for any text and `?` for one character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(Vec<char>);

impl Glob {
    /// The pattern that a text spells.
    pub fn new(pattern: &str) -> Self {
        Self(pattern.chars().collect())
    }

    /// Whether the text fits. Takes at most the product of both lengths: only the last `*` is ever
    /// tried again.
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut at, mut pattern_at) = (0, 0);
        let mut retry = None;
        while at < text.len() {
            match self.0.get(pattern_at) {
                Some('*') => {
                    retry = Some((at, pattern_at));
                    pattern_at += 1;
                }
                Some(one) if *one == '?' || *one == text[at] => {
                    at += 1;
                    pattern_at += 1;
                }
                _ => match retry {
                    Some((from, star)) => {
                        at = from + 1;
                        pattern_at = star + 1;
                        retry = Some((at, star));
                    }
                    None => return false,
                },
            }
        }
        self.0[pattern_at..].iter().all(|rest| *rest == '*')
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn naive(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|skip| naive(rest, &text[skip..])),
            Some(('?', rest)) => !text.is_empty() && naive(rest, &text[1..]),
            Some((one, rest)) => text.first() == Some(one) && naive(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn a_text_fits_itself_and_what_a_star_leaves(text in "[a-c]{0,8}", cut in 0_usize..9) {
            let cut = cut.min(text.len());

            prop_assert!(Glob::new(&text).matches(&text));
            let starred = format!("{}*", &text[..cut]);
            prop_assert!(Glob::new(&starred).matches(&text));
        }

        #[test]
        fn globs_match_as_by_definition(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
            let glob = Glob::new(&pattern);
            let text_chars: Vec<char> = text.chars().collect();

            prop_assert_eq!(glob.matches(&text), naive(&glob.0, &text_chars));
        }
    }
}

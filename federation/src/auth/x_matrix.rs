//! The form of an `X-Matrix` header.

use gantry_model::id::{OwnedServerName, ServerName};

/// The longest header that is looked at, in bytes.
const MAX_BYTES: usize = 4_096;
/// The most parameters that are looked at.
const MAX_PARAMETERS: usize = 16;

/// The parameters of an `X-Matrix` header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct XMatrix {
    /// Who sends.
    pub(crate) origin: OwnedServerName,
    /// Who is to receive; older servers do not say.
    pub(crate) destination: Option<OwnedServerName>,
    /// Which key signed.
    pub(crate) key_id: String,
    /// The signature in base64.
    pub(crate) signature: String,
}

impl XMatrix {
    /// Reads a header; `None`: it is none, or one with a parameter twice, or malformed.
    pub(crate) fn parse(header: &str) -> Option<Self> {
        if header.len() > MAX_BYTES {
            return None;
        }
        let (scheme, mut rest) = header.trim().split_once([' ', '\t'])?;
        if !scheme.eq_ignore_ascii_case("x-matrix") {
            return None;
        }
        let mut found = Parameters::default();
        for _ in 0..MAX_PARAMETERS {
            rest = rest.trim_start_matches([' ', '\t', ',']);
            if rest.is_empty() {
                break;
            }
            let (name, after) = rest.split_once('=')?;
            let (value, after) = read_value(after.trim_start_matches([' ', '\t']))?;
            found.set(name.trim(), value)?;
            rest = after;
        }
        if !rest.trim().is_empty() {
            return None;
        }
        found.into_header()
    }
}

#[derive(Default)]
struct Parameters {
    origin: Option<String>,
    destination: Option<String>,
    key: Option<String>,
    signature: Option<String>,
}

impl Parameters {
    /// `None`: it was there already.
    fn set(&mut self, name: &str, value: String) -> Option<()> {
        let slot = match name.to_ascii_lowercase().as_str() {
            "origin" => &mut self.origin,
            "destination" => &mut self.destination,
            "key" => &mut self.key,
            "sig" => &mut self.signature,
            _ => return Some(()),
        };
        slot.is_none().then(|| *slot = Some(value))
    }

    fn into_header(self) -> Option<XMatrix> {
        let destination = match self.destination {
            Some(text) => Some(ServerName::parse(text).ok()?),
            None => None,
        };
        Some(XMatrix {
            origin: ServerName::parse(self.origin?).ok()?,
            destination,
            key_id: self.key?,
            signature: self.signature?,
        })
    }
}

/// A quoted or bare value, and what follows the comma behind it.
fn read_value(text: &str) -> Option<(String, &str)> {
    let (value, rest) = match text.strip_prefix('"') {
        Some(quoted) => read_quoted(quoted)?,
        None => {
            let end = text.find(',').unwrap_or(text.len());
            let (value, rest) = text.split_at(end);
            (value.trim_end_matches([' ', '\t']).to_owned(), rest)
        }
    };
    let rest = rest.trim_start_matches([' ', '\t']);
    if rest.is_empty() {
        Some((value, rest))
    } else {
        Some((value, rest.strip_prefix(',')?))
    }
}

/// The text up to the closing quote, and what follows it. A backslash takes the next character as
/// it is.
fn read_quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, one)) = chars.next() {
        match one {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(chars.next()?.1),
            _ => value.push(one),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn expected() -> XMatrix {
        XMatrix {
            origin: ServerName::parse("a.com:8448").unwrap(),
            destination: Some(ServerName::parse("b.com").unwrap()),
            key_id: "ed25519:1".to_owned(),
            signature: "a+b/c==".to_owned(),
        }
    }

    #[test]
    fn values_may_be_quoted_or_bare_and_stand_apart() {
        for header in [
            r#"X-Matrix origin="a.com:8448",destination="b.com",key="ed25519:1",sig="a+b/c==""#,
            "X-Matrix origin=a.com:8448,destination=b.com,key=ed25519:1,sig=a+b/c==",
            r#"x-matrix  key = "ed25519:1" , origin=a.com:8448 ,sig="a+b\/c==", Destination="b.com", extra=1"#,
        ] {
            assert_eq!(XMatrix::parse(header), Some(expected()), "{header}");
        }
    }

    #[test]
    fn what_is_incomplete_or_twice_is_refused() {
        for header in [
            "",
            "X-Matrix",
            "Bearer abc",
            "X-Matrix origin=a.com,key=ed25519:1",
            "X-Matrix origin=a.com,origin=b.com,key=ed25519:1,sig=x",
            r#"X-Matrix origin="a.com,key=ed25519:1,sig=x"#,
            r#"X-Matrix origin="a.com"x,key=ed25519:1,sig=x"#,
            "X-Matrix origin=not a name,key=ed25519:1,sig=x",
        ] {
            assert_eq!(XMatrix::parse(header), None, "{header}");
        }
    }

    fn quoted(value: &str) -> String {
        format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(header in "\\PC{0,200}") {
            let parsed = XMatrix::parse(&format!("X-Matrix {header}"));

            let lower = header.to_lowercase();
            prop_assert!(parsed.is_none() || lower.contains("sig"));
            prop_assert!(XMatrix::parse(&header).is_none() || lower.contains("x-matrix"));
        }

        #[test]
        fn what_is_written_is_read(
            origin in "[a-z]{1,9}(\\.[a-z]{1,5})?(:[1-9][0-9]{0,3})?",
            has_destination: bool,
            key in "ed25519:[A-Za-z0-9_]{1,9}",
            signature in "\\PC{0,40}",
            space in "[ \t]{0,3}",
        ) {
            let destination = if has_destination {
                format!("destination=\"b.com\"{space},{space}")
            } else {
                String::new()
            };
            let header = format!(
                "X-Matrix {space}sig={}{space},{space}{destination}key={key},{space}origin={origin}",
                quoted(&signature),
            );

            let parsed = XMatrix::parse(&header);

            prop_assert_eq!(parsed, Some(XMatrix {
                origin: ServerName::parse(&origin).unwrap(),
                destination: has_destination.then(|| ServerName::parse("b.com").unwrap()),
                key_id: key,
                signature,
            }));
        }
    }
}

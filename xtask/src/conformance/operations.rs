//! The committed list of operations: a chapter in brackets, then a line for each operation.

use anyhow::{Context, Result, bail};

/// What stands for every parameter of a path: it leads nowhere.
const NOTHING_HERE: &str = "x";

/// One operation of the specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    /// The specification's part: `client-server` or `server-server`.
    pub(crate) api: String,
    /// The chapter of that part.
    pub(crate) chapter: String,
    /// The method, in capital letters.
    pub(crate) method: String,
    /// The path, with its parameters in braces.
    pub(crate) path: String,
    /// Whether a server answers it.
    pub(crate) served: bool,
}

impl Operation {
    /// The path with parameters that lead nowhere.
    pub(crate) fn unknown_place(&self) -> String {
        let segments: Vec<&str> = self
            .path
            .split('/')
            .map(|segment| {
                if segment.starts_with('{') {
                    NOTHING_HERE
                } else {
                    segment
                }
            })
            .collect();
        segments.join("/")
    }
}

/// Reads the list. Lines that begin with `#` are remarks.
pub(crate) fn parse(list: &str) -> Result<Vec<Operation>> {
    let mut operations = Vec::new();
    let mut place = None;
    for line in list.lines() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(title) = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            place = Some(title.split_once(": ").context("a chapter without an API")?);
            continue;
        }
        let (Some((api, chapter)), Some((method, path))) = (place, line.split_once(' ')) else {
            bail!("not an operation below a chapter: {line}");
        };
        operations.push(Operation {
            api: api.to_owned(),
            chapter: chapter.to_owned(),
            method: method.to_owned(),
            path: path.to_owned(),
            served: false,
        });
    }
    Ok(operations)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_stands_below_its_chapter() {
        let list = "# Remark\n\n[client-server: Media]\nGET /a/{b}/c\n";

        let operations = parse(list).unwrap();

        assert_eq!(operations.len(), 1);
        assert_eq!(operations[0].chapter, "Media");
        assert_eq!(operations[0].unknown_place(), "/a/x/c");
    }

    #[test]
    fn an_operation_without_a_chapter_is_refused() {
        assert!(parse("GET /a\n").is_err());
    }
}

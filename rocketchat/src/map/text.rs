//! The text of messages.

use std::collections::BTreeMap;

use gantry_model::{Object, Value};

use crate::dto::message::Url;

/// The most addresses of one message that are told.
const MAX_URLS: usize = 10;

/// The text of a message's content: markdown, as people write it.
pub(super) fn of_content(content: &Object) -> String {
    let body = content
        .get("body")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let is_reply = content
        .get("m.relates_to")
        .and_then(Value::as_object)
        .is_some_and(|relation| relation.contains_key("m.in_reply_to"));
    let body = if is_reply { without_quote(body) } else { body };
    match content.get("msgtype").and_then(Value::as_str) {
        Some("m.emote") => format!("_{body}_"),
        _ => body.to_owned(),
    }
}

/// The body of a reply without the lines that repeat what it replies to.
fn without_quote(body: &str) -> &str {
    if !body.starts_with("> <") && !body.starts_with("> * <") {
        return body;
    }
    let mut rest = body;
    while rest.starts_with('>') {
        rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
    }
    rest.strip_prefix('\n').unwrap_or(rest)
}

/// The addresses in a text.
pub(super) fn urls(text: &str) -> Vec<Url> {
    let words = text.split(|char: char| char.is_whitespace() || "<>()[]\"".contains(char));
    let is_url = |word: &&str| {
        let rest = word
            .strip_prefix("https://")
            .or_else(|| word.strip_prefix("http://"));
        rest.is_some_and(|rest| !rest.is_empty()) && word.len() <= 2_000
    };
    words
        .filter(is_url)
        .take(MAX_URLS)
        .map(|url| Url {
            url: url.trim_end_matches(['.', ',', ';', '!', '?']).to_owned(),
            meta: BTreeMap::new(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::object;
    use super::*;

    #[test]
    fn a_reply_does_not_repeat_what_it_replies_to() {
        let reply = |body: &str| {
            let mut content = object(
                r#"{"msgtype": "m.text", "m.relates_to": {"m.in_reply_to": {"event_id": "$a"}}}"#,
            );
            content.insert("body", body.into());
            of_content(&content)
        };

        assert_eq!(reply("> <@a:b> hi\n> there\n\nyes"), "yes");
        assert_eq!(reply("> a quote of mine"), "> a quote of mine");
        assert_eq!(reply("plain"), "plain");
    }

    #[test]
    fn an_emote_is_slanted_and_what_is_no_text_is_empty() {
        assert_eq!(
            of_content(&object(r#"{"msgtype": "m.emote", "body": "waves"}"#)),
            "_waves_"
        );
        assert_eq!(of_content(&object(r#"{"body": 5}"#)), "");
    }

    #[test]
    fn addresses_are_found() {
        let found = urls("see https://a.org/x?y=1, (http://b.org) and https:// or ftp://c");

        let found: Vec<_> = found.iter().map(|url| url.url.as_str()).collect();
        assert_eq!(found, ["https://a.org/x?y=1", "http://b.org"]);
    }
}

//! `gantry.example.toml`, made of the doc comments of the sections and of the defaults.

use std::fmt::Write;

use toml::{Table, Value};

use super::Config;

/// The sections in their order, each with the source that documents it.
const SECTIONS: [(&str, &str); 16] = [
    ("server", include_str!("server.rs")),
    ("listeners", include_str!("listeners.rs")),
    ("storage", include_str!("storage.rs")),
    ("federation", include_str!("federation.rs")),
    ("outbound", include_str!("outbound.rs")),
    ("registration", include_str!("registration.rs")),
    ("accounts", include_str!("accounts.rs")),
    ("mail", include_str!("mail.rs")),
    ("limits", include_str!("limits.rs")),
    ("presence", include_str!("presence.rs")),
    ("search", include_str!("search.rs")),
    ("retention", include_str!("retention.rs")),
    ("rocketchat", include_str!("rocketchat.rs")),
    ("support", include_str!("support.rs")),
    ("appservices", include_str!("appservices.rs")),
    ("telemetry", include_str!("telemetry.rs")),
];

const HEAD: &str = "\
# All that can be configured, with the defaults. Everything is optional.
# Each key can also be set in the environment: GANTRY_<SECTION>__<KEY>, lists separated by commas.
# This file is generated: `gantry config example`.
";

/// The text of `gantry.example.toml`.
pub fn example() -> String {
    let defaults = Table::try_from(Config::default()).unwrap_or_default();
    let mut out = HEAD.to_owned();
    for (section, source) in SECTIONS {
        write_line(&mut out, &format!("\n[{section}]"));
        let values = defaults.get(section).and_then(Value::as_table);
        for field in fields(source) {
            for line in &field.doc {
                write_line(&mut out, &format!("# {line}"));
            }
            let value = values.and_then(|values| values.get(&field.name));
            let line = match value {
                Some(value) => format!("{} = {value}", field.name),
                None => format!("# {} =", field.name),
            };
            write_line(&mut out, &line);
        }
    }
    out
}

fn write_line(out: &mut String, line: &str) {
    writeln!(out, "{line}").expect("writing to a string does not fail");
}

struct Field {
    name: String,
    doc: Vec<String>,
}

/// The documented fields of the first struct in a source.
fn fields(source: &str) -> Vec<Field> {
    let body = source
        .lines()
        .skip_while(|line| !line.starts_with("pub struct "))
        .take_while(|line| *line != "}");
    let mut fields = Vec::new();
    let mut doc = Vec::new();
    for line in body {
        let line = line.trim();
        if let Some(text) = line.strip_prefix("/// ") {
            doc.push(text.to_owned());
        } else if let Some((name, _)) = line
            .strip_prefix("pub ")
            .and_then(|field| field.split_once(':'))
        {
            fields.push(Field {
                name: name.to_owned(),
                doc: std::mem::take(&mut doc),
            });
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_in_the_repository_is_not_stale() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/gantry.example.toml");

        assert_eq!(
            std::fs::read_to_string(file).unwrap_or_default(),
            example(),
            "run: gantry config example > gantry.example.toml"
        );
    }

    #[test]
    fn the_example_is_the_defaults_and_documents_each_key() {
        let read = Config::from_text(&example(), []).unwrap();

        assert_eq!(read, Config::from_text("", []).unwrap());
        for (section, source) in SECTIONS {
            for field in fields(source) {
                assert!(!field.doc.is_empty(), "{section}.{}", field.name);
            }
        }
    }

    #[test]
    fn every_default_is_in_the_example() {
        let listed: Table = example().parse().unwrap();

        assert_eq!(listed, Table::try_from(Config::default()).unwrap());
    }
}

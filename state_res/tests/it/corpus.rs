//! The inputs of the fuzz target, and random damage to them.

use std::{fs, path::Path};

use crate::room::Chance;

#[path = "../../fuzz/drive.rs"]
mod drive;

/// Damaged copies that are tried of each input.
const COPIES: u64 = 200;

fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/auth_rules");
    let files = fs::read_dir(folder).expect("the corpus is there");
    let mut paths: Vec<_> = files.filter_map(|file| Some(file.ok()?.path())).collect();
    paths.sort();
    paths
        .iter()
        .map(|path| fs::read(path).expect("a file"))
        .collect()
}

#[test]
fn the_corpus_is_survived() {
    assert!(!corpus().is_empty());
    for input in corpus() {
        drive::drive(&input);
    }
}

#[test]
fn a_damaged_corpus_is_survived() {
    const BITS: [&str; 16] = [
        "{}",
        "[]",
        "null",
        "-1",
        "9007199254740991",
        "9007199254740992",
        "1.5",
        "\"\"",
        "\"50\"",
        "\"@a:b\"",
        "\"join\"",
        "\"ban\"",
        "\"m.room.member\"",
        "\"m.room.power_levels\"",
        "true",
        "\"@user0:s0.example\"",
    ];
    for (number, input) in corpus().iter().enumerate() {
        for copy in 0..COPIES {
            let mut chance = Chance::new(number as u64 * COPIES + copy);
            let mut damaged = String::from_utf8_lossy(input).into_owned();
            for _ in 0..=chance.below(4) {
                replace_value(&mut damaged, BITS[chance.below(BITS.len())], &mut chance);
            }
            drive::drive(damaged.as_bytes());
        }
    }
}

/// Puts another value in the place of one that has no parts.
fn replace_value(text: &mut String, by: &str, chance: &mut Chance) {
    let colons: Vec<usize> = text.match_indices("\":").map(|(at, _)| at + 2).collect();
    if colons.is_empty() {
        return;
    }
    let start = *chance.pick(&colons);
    let Some(length) = text[start..].find([',', '}', ']', '{', '[']) else {
        return;
    };
    text.replace_range(start..start + length, by);
}

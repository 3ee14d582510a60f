//! Thirty queries per language, each with the message that must come first. The other messages of
//! the language stand in the same room.

use crate::house::House;

async fn check(language: &str, queries: &str) {
    let folder = tempfile::tempdir().unwrap();
    let house = House::open(folder.path()).await;
    let room = house.room().await;
    let queries: Vec<_> = queries
        .lines()
        .map(|line| line.split_once('\t').unwrap())
        .collect();
    for (_, message) in &queries {
        house.say(&room, message).await;
    }

    let mut missed = Vec::new();
    for (query, message) in &queries {
        let found = house.texts(&room, query).await;
        if found.first().is_none_or(|first| first != message) {
            missed.push((query, found));
        }
    }

    assert_eq!(queries.len(), 30);
    assert!(missed.is_empty(), "{language}: {missed:#?}");
    house.close().await;
}

#[tokio::test]
async fn chinese() {
    check("zh", include_str!("queries/zh.txt")).await;
}

#[tokio::test]
async fn japanese() {
    check("ja", include_str!("queries/ja.txt")).await;
}

#[tokio::test]
async fn korean() {
    check("ko", include_str!("queries/ko.txt")).await;
}

#[tokio::test]
async fn english() {
    check("en", include_str!("queries/en.txt")).await;
}

#[tokio::test]
async fn german() {
    check("de", include_str!("queries/de.txt")).await;
}

//! Situations that decide who owns a room, in all versions, as our own data.

use gantry_model::RoomVersion;
use gantry_state_res::{
    EventSource, Rejection, Rn, StateMap, StateReset, explain, resolve,
    resolve::explain::{Decision, Part},
};

use crate::room::Room;

const ALICE: &str = "@alice:one";
const BOB: &str = "@bob:two";
const CHARLIE: &str = "@charlie:three";
const EVE: &str = "@eve:four";
const LEVELS: &str = "m.room.power_levels";
const TOPIC: &str = "m.room.topic";

/// A public room in which Bob is a moderator and all are members.
struct Stage {
    room: Room,
    state: StateMap,
}

impl Stage {
    fn new(version: RoomVersion) -> Self {
        let mut room = Room::new(version);
        let mut state = StateMap::new();
        let create = if version.rules().creator_is_sender {
            "{}".to_owned()
        } else {
            format!(r#"{{"creator":"{ALICE}"}}"#)
        };
        room.send(&mut state, (ALICE, "m.room.create", ""), &create, 1);
        room.member(&mut state, ALICE, ALICE, "join", 2);
        let mut stage = Self { room, state };
        stage.levels_on(Fork::Base, ALICE, &[(BOB, 50)], 3);
        let public = r#"{"join_rule":"public"}"#;
        stage.send(Fork::Base, (ALICE, "m.room.join_rules", ""), public, 4);
        for user in [BOB, CHARLIE, EVE] {
            stage.member(Fork::Base, user, user, "join", 5);
        }
        stage
    }

    fn fork(&self) -> StateMap {
        self.state.clone()
    }

    fn send(&mut self, fork: Fork<'_>, key: (&str, &str, &str), content: &str, ts: i64) -> Rn {
        let state = fork.state(&mut self.state);
        self.room.send(state, key, content, ts)
    }

    fn member(
        &mut self,
        fork: Fork<'_>,
        sender: &str,
        user: &str,
        membership: &str,
        ts: i64,
    ) -> Rn {
        let state = fork.state(&mut self.state);
        self.room.member(state, sender, user, membership, ts)
    }

    fn topic(&mut self, fork: Fork<'_>, sender: &str, ts: i64) -> Rn {
        let content = format!(r#"{{"topic":"by {sender} at {ts}"}}"#);
        self.send(fork, (sender, TOPIC, ""), &content, ts)
    }

    /// Levels with Alice at the top, where she is not there anyway.
    fn levels_on(&mut self, fork: Fork<'_>, sender: &str, users: &[(&str, i64)], ts: i64) -> Rn {
        let alice = (!self.room.rules().privileged_creators).then_some((ALICE, 100));
        let users: Vec<String> = alice
            .iter()
            .chain(users)
            .map(|(user, level)| format!(r#""{user}":{level}"#))
            .collect();
        let content = format!(r#"{{"users":{{{}}}}}"#, users.join(","));
        self.send(fork, (sender, LEVELS, ""), &content, ts)
    }

    /// The event of a key after resolution, in whatever order the states come.
    fn winner(&self, states: &[&StateMap], kind: &str, state_key: &str) -> Option<Rn> {
        let mut states: Vec<StateMap> = states.iter().map(|state| (*state).clone()).collect();
        let resolved = self.room.resolve(&states);
        states.reverse();
        assert_eq!(resolved, self.room.resolve(&states));
        self.room.get(&resolved, kind, state_key)
    }
}

/// On which branch an event goes.
enum Fork<'a> {
    Base,
    On(&'a mut StateMap),
}

impl<'a> Fork<'a> {
    fn state(self, base: &'a mut StateMap) -> &'a mut StateMap {
        match self {
            Self::Base => base,
            Self::On(state) => state,
        }
    }
}

use Fork::On;

fn from_version_2() -> impl Iterator<Item = RoomVersion> {
    RoomVersion::ALL.into_iter().skip(1)
}

#[test]
fn a_ban_beats_what_the_banned_moderator_did_meanwhile() {
    for version in from_version_2() {
        let mut stage = Stage::new(version);
        let (mut left, mut right) = (stage.fork(), stage.fork());
        let ban = stage.member(On(&mut left), ALICE, BOB, "ban", 20);
        stage.levels_on(On(&mut right), BOB, &[(BOB, 50), (EVE, 50)], 10);
        stage.topic(On(&mut right), EVE, 11);

        let states = [&left, &right];
        assert_eq!(
            stage.winner(&states, "m.room.member", BOB),
            Some(ban),
            "{version}"
        );
        let levels = stage.room.get(&stage.state, LEVELS, "");
        assert_eq!(stage.winner(&states, LEVELS, ""), levels, "{version}");
        assert_eq!(stage.winner(&states, TOPIC, ""), None, "{version}");
    }
}

#[test]
fn a_banned_user_cannot_evade_through_an_older_state() {
    for version in from_version_2() {
        let mut stage = Stage::new(version);
        let (mut left, mut right) = (stage.fork(), stage.fork());
        stage.member(On(&mut right), EVE, EVE, "join", 30);
        let ban = stage.member(On(&mut left), BOB, EVE, "ban", 40);

        assert_eq!(
            stage.winner(&[&left, &right], "m.room.member", EVE),
            Some(ban),
            "{version}"
        );
    }
}

#[test]
fn a_join_loses_against_closed_join_rules() {
    for version in from_version_2() {
        let mut stage = Stage::new(version);
        let newcomer = "@new:five";
        let (mut left, mut right) = (stage.fork(), stage.fork());
        let closed = r#"{"join_rule":"invite"}"#;
        let rules = stage.send(On(&mut left), (ALICE, "m.room.join_rules", ""), closed, 20);
        stage.member(On(&mut right), newcomer, newcomer, "join", 10);

        let states = [&left, &right];
        assert_eq!(
            stage.winner(&states, "m.room.join_rules", ""),
            Some(rules),
            "{version}"
        );
        assert_eq!(
            stage.winner(&states, "m.room.member", newcomer),
            None,
            "{version}"
        );
    }
}

#[test]
fn concurrent_joins_both_stay() {
    for version in RoomVersion::ALL {
        let mut stage = Stage::new(version);
        let (mut left, mut right) = (stage.fork(), stage.fork());
        let first = stage.member(On(&mut left), "@x:one", "@x:one", "join", 10);
        let second = stage.member(On(&mut right), "@y:two", "@y:two", "join", 10);

        let states = [&left, &right];
        assert_eq!(
            stage.winner(&states, "m.room.member", "@x:one"),
            Some(first),
            "{version}"
        );
        assert_eq!(
            stage.winner(&states, "m.room.member", "@y:two"),
            Some(second),
            "{version}"
        );
    }
}

#[test]
fn of_two_topics_under_the_same_levels_the_later_wins() {
    for version in from_version_2() {
        let mut stage = Stage::new(version);
        let (mut left, mut right) = (stage.fork(), stage.fork());
        stage.topic(On(&mut left), ALICE, 10);
        let later = stage.topic(On(&mut right), BOB, 11);

        assert_eq!(
            stage.winner(&[&left, &right], TOPIC, ""),
            Some(later),
            "{version}"
        );
    }
}

#[test]
fn a_topic_under_newer_levels_wins_over_a_later_one_under_older_levels() {
    for version in from_version_2() {
        let mut stage = Stage::new(version);
        let (mut left, mut right) = (stage.fork(), stage.fork());
        stage.levels_on(On(&mut left), ALICE, &[(BOB, 50), (CHARLIE, 50)], 10);
        let under_newer = stage.topic(On(&mut left), ALICE, 11);
        stage.topic(On(&mut right), BOB, 50);

        assert_eq!(
            stage.winner(&[&left, &right], TOPIC, ""),
            Some(under_newer),
            "{version}"
        );
    }
}

#[test]
fn a_demotion_by_the_admin_undoes_the_moderators_topic() {
    for version in from_version_2() {
        let mut stage = Stage::new(version);
        let old = stage.topic(Fork::Base, ALICE, 6);
        let (mut left, mut right) = (stage.fork(), stage.fork());
        stage.levels_on(On(&mut left), ALICE, &[], 20);
        stage.topic(On(&mut right), BOB, 10);

        assert_eq!(
            stage.winner(&[&left, &right], TOPIC, ""),
            Some(old),
            "{version}"
        );
    }
}

#[test]
fn one_branch_that_is_ahead_wins_whole() {
    for version in RoomVersion::ALL {
        let mut stage = Stage::new(version);
        let old = stage.fork();
        let mut new = stage.fork();
        let topic = stage.topic(On(&mut new), ALICE, 10);
        let levels = stage.levels_on(On(&mut new), ALICE, &[(BOB, 75)], 11);

        assert_eq!(
            stage.winner(&[&old, &new], TOPIC, ""),
            Some(topic),
            "{version}"
        );
        assert_eq!(
            stage.winner(&[&old, &new], LEVELS, ""),
            Some(levels),
            "{version}"
        );
    }
}

#[test]
fn creators_of_version_12_cannot_be_removed() {
    let mut stage = Stage::new(RoomVersion::V12);
    stage.levels_on(Fork::Base, ALICE, &[(BOB, 1000)], 6);
    let (mut left, mut right) = (stage.fork(), stage.fork());
    stage.member(On(&mut left), BOB, ALICE, "ban", 10);
    let topic = stage.topic(On(&mut right), ALICE, 11);

    let states = [&left, &right];
    let alice = stage.room.get(&stage.state, "m.room.member", ALICE);
    assert_eq!(stage.winner(&states, "m.room.member", ALICE), alice);
    assert_eq!(stage.winner(&states, TOPIC, ""), Some(topic));
}

/// Version 1 goes by depth, and then by the hash of the id, whoever sent the event.
#[test]
fn version_1_takes_the_deepest_topic_that_is_allowed() {
    let mut stage = Stage::new(RoomVersion::V1);
    let (mut left, mut right) = (stage.fork(), stage.fork());
    stage.topic(On(&mut left), ALICE, 99);
    stage.member(On(&mut right), "@x:one", "@x:one", "join", 10);
    let deeper = stage.topic(On(&mut right), BOB, 11);
    assert_eq!(stage.winner(&[&left, &right], TOPIC, ""), Some(deeper));

    stage.topic(On(&mut right), EVE, 12);
    let allowed = stage.winner(&[&left, &right], TOPIC, "");
    assert_eq!(
        allowed,
        stage.room.get(&left, TOPIC, ""),
        "Eve may not set a topic"
    );
}

#[test]
fn an_explanation_names_the_candidates_and_the_broken_rule() {
    let mut stage = Stage::new(RoomVersion::V11);
    let (mut left, mut right) = (stage.fork(), stage.fork());
    let ban = stage.member(On(&mut left), ALICE, BOB, "ban", 20);
    let topic = stage.topic(On(&mut right), BOB, 10);
    let memory = &stage.room.memory;
    let states = [left, right];
    let explain = |kind: &str, key: &str| {
        let skid = memory.skid(kind, key).unwrap();
        explain(stage.room.rules(), &states, memory, skid)
    };

    let of_topic = explain(TOPIC, "");
    assert_eq!(of_topic.decision, Decision::NoneAllowed);
    assert_eq!(of_topic.candidates[0].rn, topic);
    assert_eq!(of_topic.candidates[0].states, [1]);
    assert_eq!(
        of_topic.candidates[0].verdict,
        Err(Rejection::SenderNotJoined)
    );

    let of_bob = explain("m.room.member", BOB);
    assert_eq!(of_bob.winner, Some(ban));
    assert_eq!(of_bob.decision, Decision::Chosen(Part::PowerEvents));

    assert_eq!(explain(LEVELS, "").decision, Decision::Agreed);
}

/// Every branch has another topic by Bob, and one of them demoted him first. None of the topics is
/// allowed any more, and the one from before the fork is in no auth chain: the key is lost.
#[test]
fn a_key_that_is_lost_raises_the_alarm() {
    let mut stage = Stage::new(RoomVersion::V11);
    stage.topic(Fork::Base, ALICE, 6);
    let (mut left, mut right) = (stage.fork(), stage.fork());
    let mut demoted = stage.fork();
    stage.levels_on(On(&mut demoted), ALICE, &[], 20);
    let topics = [
        stage.topic(On(&mut left), BOB, 10),
        stage.topic(On(&mut right), BOB, 11),
        stage.topic(On(&mut demoted), BOB, 30),
    ];
    let states = [left, right, demoted];

    let resolution = resolve(stage.room.rules(), &states, &stage.room.memory);

    let skid = stage.room.memory.skid(TOPIC, "").unwrap();
    let reset = StateReset {
        skid,
        from: topics.to_vec(),
        to: None,
    };
    assert_eq!(resolution.resets, [reset]);
}

/// Why no result is carried on when an extremity advances: see `docs/adr/0006`.
#[test]
fn an_extremity_that_advances_on_an_agreed_key_can_still_lose_there() {
    for version in from_version_2() {
        let mut stage = Stage::new(version);
        let agreed = stage.topic(Fork::Base, ALICE, 9_000);
        let (mut left, mut right) = (stage.fork(), stage.fork());
        stage.member(On(&mut left), CHARLIE, CHARLIE, "leave", 20);
        stage.member(On(&mut right), EVE, EVE, "leave", 21);
        assert_eq!(stage.winner(&[&left, &right], TOPIC, ""), Some(agreed));

        let advanced = stage.topic(On(&mut left), ALICE, 30);

        // The shortcut "the old result, with what changed on the branch" would say `advanced`.
        assert_ne!(advanced, agreed);
        assert_eq!(
            stage.winner(&[&left, &right], TOPIC, ""),
            Some(agreed),
            "{version}"
        );
    }
}

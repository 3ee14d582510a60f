//! The state of everything: the log, the nodes, what is on its way, and what clients have.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::config::{Budget, Config};
use crate::cut::Cut;
use crate::document::{Doc, Entry, SlotRow, Status};
use crate::node::{Node, Slot};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) log: Vec<Doc>,
    /// How many documents of the log a majority has.
    pub(crate) majority: u8,
    /// In one order whatever the order of sending: messages overtake each other.
    pub(crate) net: Vec<Message>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) acked: Vec<Ack>,
    /// The token of each client.
    pub(crate) tokens: Vec<Cut>,
    /// The drafts that each client was given.
    pub(crate) received: Vec<Vec<u8>>,
    pub(crate) left: Budget,
    pub(crate) breach: Breach,
    /// The last draft.
    pub(crate) drafts: u8,
    /// The last life of a node.
    pub(crate) lives: u8,
}

/// An ordered command on its way to the primary.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Message {
    /// The life that sent it.
    pub(crate) life: u8,
    /// Whether its sender waits for the answer.
    pub(crate) is_awaited: bool,
    pub(crate) docs: Vec<Doc>,
}

/// What a client was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ack {
    pub(crate) tx: u8,
    pub(crate) room: u8,
    pub(crate) n: u8,
}

/// What a step broke, where the state after it would not show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Breach {
    Nothing,
    /// An entry was inserted that a cut or a token had passed.
    Behind,
    /// A client was given an entry again.
    Twice,
}

impl State {
    /// Each node has a slot with leased numbers, because how it came by it is not worth the search.
    pub(crate) fn first(config: &Config) -> Self {
        let nodes: Vec<Node> = (0..config.nodes).map(|i| first_node(config, i)).collect();
        let log: Vec<Doc> = (0..config.nodes)
            .map(|i| {
                Doc::Slot(SlotRow {
                    w: i as u8 + 1,
                    epoch: 1,
                    status: Status::Owned,
                    owner: nodes[i].owner(i),
                    block_end: config.block,
                })
            })
            .collect();
        Self {
            majority: log.len() as u8,
            log,
            net: Vec::new(),
            nodes,
            acked: Vec::new(),
            tokens: vec![Cut::default(); config.clients],
            received: vec![Vec::new(); config.clients],
            left: config.budget.clone(),
            breach: Breach::Nothing,
            drafts: 0,
            lives: config.nodes as u8 - 1,
        }
    }

    pub(crate) fn post(&mut self, message: Message) {
        self.net.push(message);
        self.sort_net();
    }

    /// A life no longer waits for answers; what it sent may arrive all the same.
    pub(crate) fn hang_up(&mut self, life: u8) {
        for message in &mut self.net {
            if message.life == life {
                message.is_awaited = false;
            }
        }
        self.sort_net();
    }

    fn sort_net(&mut self) {
        self.net
            .sort_by_key(|message| (message.life, message.is_awaited, hash(&message.docs)));
    }
}

impl Ack {
    pub(crate) fn of(entry: &Entry) -> Self {
        Self {
            tx: entry.tx,
            room: entry.room,
            n: entry.n,
        }
    }
}

fn first_node(config: &Config, i: usize) -> Node {
    let mut node = Node::new(config.rooms);
    node.life = i as u8;
    node.seen = config.nodes as u8;
    node.slot = Some(Slot {
        w: i as u8 + 1,
        next: 1,
        block_end: config.block,
    });
    node
}

/// The same in every run, so that two runs can be compared.
pub(crate) fn hash<T: Hash>(value: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

// One byte, as for the status of a slot.
impl Hash for Breach {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (*self as u8).hash(state);
    }
}

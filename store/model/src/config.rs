//! What is modelled: how many nodes and requests, how many faults, and which rules hold.

/// A model, with all rules on unless said otherwise.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) nodes: usize,
    pub(crate) rooms: u8,
    pub(crate) txs: u8,
    /// How many numbers are leased at once.
    pub(crate) block: u8,
    /// How many collections have positions: one or two.
    pub(crate) collections: u8,
    pub(crate) clients: usize,
    pub(crate) budget: Budget,
    pub(crate) rules: Rules,
}

/// How often things may yet happen; without such a bound no search ends.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Budget {
    pub(crate) failovers: u8,
    pub(crate) crashes: u8,
    pub(crate) closings: u8,
    pub(crate) timeouts: u8,
    /// Messages of which a copy arrives later.
    pub(crate) copies: u8,
    pub(crate) drafts: u8,
    /// Batches of which a prefix is applied.
    pub(crate) tears: u8,
    pub(crate) syncs: u8,
    /// Restarts from a snapshot that is older than the change stream, which no rule makes good.
    pub(crate) stale_starts: u8,
}

/// The rules, called as on the command line.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// A cut holds an entry only with the one before it in its room.
    pub(crate) pred: bool,
    /// So it is with the node's own entries.
    pub(crate) own_pred: bool,
    /// A room is loaded by majority reads.
    pub(crate) maj_read: bool,
    /// A duplicate counts once a majority read shows it.
    pub(crate) confirm: bool,
    /// `{rid, tx}` is unique.
    pub(crate) txidx: bool,
    /// `{w, s}` is unique in each collection.
    pub(crate) wsidx: bool,
    /// Closing inserts fillers.
    pub(crate) fillers: bool,
    pub(crate) fillmode: Fillmode,
    /// A closer believes in a number when a majority read shows it, not when it is refused.
    pub(crate) verify: bool,
    /// Readers take what a closed slot's row says as settled, not the closing fillers.
    pub(crate) by_final: bool,
    pub(crate) refused: Refused,
    /// The next token is the maximum of the last one and the cut; else it is the cut.
    pub(crate) tokmax: bool,
    /// A restarted node goes on with its slot without closing it.
    pub(crate) same_inc: bool,
    /// Whether everything becomes visible is checked.
    pub(crate) live: bool,
    pub(crate) unk: Unknown,
    /// An own write counts once a majority has it.
    pub(crate) maj_ack: bool,
    /// A takeover is held by a majority before the first filler is inserted.
    pub(crate) rollclose: bool,
    /// A node drafts only while nothing is under way.
    pub(crate) oneatatime: bool,
    /// What answers a sync is read no earlier than what the cut was made from.
    pub(crate) causal: bool,
    /// Void drafts of a chain whose slot was closed get fillers, if their slot is another.
    pub(crate) orphan: bool,
    /// A room's unacknowledged entries are sent again from the first.
    pub(crate) chain: bool,
}

/// Where closing inserts fillers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fillmode {
    /// In one collection.
    First,
    /// In every collection; each settles the number.
    Any,
    /// In every collection; the one in the last settles the number.
    Last,
}

/// What becomes of the number of a void draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Nothing,
    /// Its owner inserts a filler.
    Filled,
    /// The next draft bears it.
    Reused,
    /// A heartbeat tells that it is settled.
    Told,
}

/// How an unknown outcome is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    SentAgain,
    /// What a majority read does not show has failed.
    ReadBack,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            nodes: 2,
            rooms: 2,
            txs: 3,
            block: 2,
            collections: 1,
            clients: 0,
            budget: Budget {
                failovers: 1,
                crashes: 1,
                closings: 1,
                timeouts: 1,
                drafts: 3,
                ..Budget::NOTHING
            },
            rules: Rules::default(),
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            pred: true,
            own_pred: true,
            maj_read: true,
            confirm: true,
            txidx: true,
            wsidx: true,
            fillers: true,
            fillmode: Fillmode::First,
            verify: true,
            by_final: false,
            refused: Refused::Filled,
            tokmax: true,
            same_inc: false,
            live: true,
            unk: Unknown::SentAgain,
            maj_ack: true,
            rollclose: true,
            oneatatime: true,
            causal: true,
            orphan: true,
            chain: true,
        }
    }
}

impl Budget {
    /// No faults, and nothing new.
    pub(crate) const NOTHING: Self = Self {
        failovers: 0,
        crashes: 0,
        closings: 0,
        timeouts: 0,
        copies: 0,
        drafts: 0,
        tears: 0,
        syncs: 0,
        stale_starts: 0,
    };
}

impl Config {
    /// Sets what is called so on the command line. `None`: nothing is, or not to this value.
    pub(crate) fn set(&mut self, name: &str, value: u64) -> Option<()> {
        let count = value as u8;
        match name {
            "nodes" => self.nodes = value as usize,
            "rooms" => self.rooms = count,
            "txs" => self.txs = count,
            "blk" => self.block = count,
            "cols" => self.collections = count,
            "clients" => self.clients = value as usize,
            "fo" => self.budget.failovers = count,
            "crash" => self.budget.crashes = count,
            "close" => self.budget.closings = count,
            "tmo" => self.budget.timeouts = count,
            "dup" => self.budget.copies = count,
            "num" => self.budget.drafts = count,
            "tear" => self.budget.tears = count,
            "sync" => self.budget.syncs = count,
            "fresh" => self.budget.stale_starts = count,
            _ => return self.rules.set(name, value),
        }
        Some(())
    }
}

impl Rules {
    fn set(&mut self, name: &str, value: u64) -> Option<()> {
        match name {
            "fillmode" => self.fillmode = Fillmode::find(value)?,
            "refused" => self.refused = Refused::find(value)?,
            "unk" => self.unk = Unknown::find(value)?,
            _ => *self.find_switch(name)? = value != 0,
        }
        Some(())
    }

    fn find_switch(&mut self, name: &str) -> Option<&mut bool> {
        Some(match name {
            "pred" => &mut self.pred,
            "own_pred" => &mut self.own_pred,
            "maj_read" => &mut self.maj_read,
            "confirm" => &mut self.confirm,
            "txidx" => &mut self.txidx,
            "wsidx" => &mut self.wsidx,
            "fillers" => &mut self.fillers,
            "verify" => &mut self.verify,
            "by_final" => &mut self.by_final,
            "tokmax" => &mut self.tokmax,
            "same_inc" => &mut self.same_inc,
            "live" => &mut self.live,
            "maj_ack" => &mut self.maj_ack,
            "rollclose" => &mut self.rollclose,
            "oneatatime" => &mut self.oneatatime,
            "causal" => &mut self.causal,
            "orphan" => &mut self.orphan,
            "chain" => &mut self.chain,
            _ => return None,
        })
    }
}

impl Fillmode {
    fn find(value: u64) -> Option<Self> {
        [Self::First, Self::Any, Self::Last]
            .get(value as usize)
            .copied()
    }
}

impl Refused {
    fn find(value: u64) -> Option<Self> {
        [Self::Nothing, Self::Filled, Self::Reused, Self::Told]
            .get(value as usize)
            .copied()
    }
}

impl Unknown {
    fn find(value: u64) -> Option<Self> {
        [Self::SentAgain, Self::ReadBack]
            .get(value as usize)
            .copied()
    }
}

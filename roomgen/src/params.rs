//! What a room should be like.

use gantry_model::RoomVersion;

/// Whether events carry signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    /// Every event is signed by the servers that have to sign it.
    Signed,
    /// No signatures: five times as fast, for whoever does not check them.
    Unsigned,
}

/// What happens to the branches in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    /// They stay apart.
    No,
    /// Messages bring them together again, at most twenty at a time.
    Yes,
}

/// The parameters of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Params {
    /// The room version.
    pub version: RoomVersion,
    /// Chooses everything that is left to chance, keys included.
    pub seed: u64,
    /// Members, the creator included.
    pub members: usize,
    /// Servers over which they are spread.
    pub servers: usize,
    /// If given, servers are addresses in 127.60.0.0/16 with this port, where a test can answer for
    /// them; if not, they have names that lead nowhere.
    pub loopback_port: Option<u16>,
    /// Changes of the power levels, spread over the time of the joins.
    pub power_level_changes: usize,
    /// Members who are banned afterwards.
    pub bans: usize,
    /// Joins of further users by way of a restricted join rule, where the version has it.
    pub restricted_joins: usize,
    /// Member events of members who are in already, for instance after a change of name.
    pub profile_changes: usize,
    /// Messages on the trunk.
    pub messages: usize,
    /// The branches at the end of the trunk.
    pub forks: Vec<Fork>,
    /// What becomes of them.
    pub merge: Merge,
    /// Signatures or none.
    pub signing: Signing,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            version: RoomVersion::V11,
            seed: 1,
            members: 100,
            servers: 10,
            loopback_port: None,
            power_level_changes: 5,
            bans: 2,
            restricted_joins: 2,
            profile_changes: 20,
            messages: 10,
            forks: Vec::new(),
            merge: Merge::No,
            signing: Signing::Signed,
        }
    }
}

/// One branch: what happens on it, in this order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fork {
    /// The creator changes power levels.
    pub power_level_changes: usize,
    /// Moderators ban members.
    pub bans: usize,
    /// New users join.
    pub joins: usize,
    /// Members change their names.
    pub profile_changes: usize,
    /// Moderators change the topic.
    pub topics: usize,
    /// A moderator whom the other branches ban: takes the topic, levels and members while it lasts.
    pub attacks: usize,
    /// Messages.
    pub messages: usize,
}

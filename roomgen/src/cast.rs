//! The users and servers of a room.

use gantry_model::{
    ServerSigningKey,
    hash::sha256,
    id::{OwnedServerName, OwnedUserId, ServerName, UserId},
};

/// Who takes part. Users are numbered; the first ones have rank.
#[derive(Debug, Clone, Copy)]
pub struct Cast {
    seed: u64,
    servers: usize,
}

impl Cast {
    /// How many users after the creator are moderators.
    pub const MODERATORS: usize = 5;

    /// Users on so many servers, with the keys of this seed.
    pub fn new(seed: u64, servers: usize) -> Self {
        Self {
            seed,
            servers: servers.max(1),
        }
    }

    /// A user.
    pub fn user(&self, number: usize) -> OwnedUserId {
        let server = self.server(number % self.servers);
        UserId::parse(format!("@user{number}:{server}")).expect("numbers make valid names")
    }

    /// A server.
    pub fn server(&self, number: usize) -> OwnedServerName {
        ServerName::parse(format!("s{number}.example")).expect("numbers make valid names")
    }

    /// All servers.
    pub fn servers(&self) -> impl Iterator<Item = OwnedServerName> + use<'_> {
        (0..self.servers).map(|number| self.server(number))
    }

    /// The signing key of a server.
    pub fn key(&self, server: &ServerName) -> ServerSigningKey {
        key_of(self.seed, server)
    }
}

/// The signing key with which a server signs in rooms of this seed. Everybody can know it.
pub fn key_of(seed: u64, server: &ServerName) -> ServerSigningKey {
    let secret = sha256(format!("roomgen {seed} {server}").as_bytes());
    ServerSigningKey::from_seed("gen", &secret)
}

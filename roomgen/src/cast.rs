//! The users and servers of a room.

use std::net::Ipv4Addr;

use gantry_model::{
    ServerSigningKey,
    hash::sha256,
    id::{OwnedServerName, OwnedUserId, ServerName, UserId},
};

use crate::Params;

/// Who takes part. Users are numbered; the first ones have rank.
#[derive(Debug, Clone, Copy)]
pub struct Cast {
    seed: u64,
    servers: usize,
    loopback_port: Option<u16>,
}

impl Cast {
    /// How many users after the creator are moderators.
    pub const MODERATORS: usize = 5;

    /// The cast of a room.
    pub fn new(params: &Params) -> Self {
        Self {
            seed: params.seed,
            servers: params.servers.max(1),
            loopback_port: params.loopback_port,
        }
    }

    /// A user.
    pub fn user(&self, number: usize) -> OwnedUserId {
        let server = self.server(number % self.servers);
        UserId::parse(format!("@user{number}:{server}")).expect("numbers make valid names")
    }

    /// A server.
    pub fn server(&self, number: usize) -> OwnedServerName {
        let name = match self.loopback_port {
            Some(port) => format!("{}:{port}", loopback_address(number)),
            None => format!("s{number}.example"),
        };
        ServerName::parse(name).expect("numbers make valid names")
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

/// The address of a server; the last byte is never 0 or 255.
fn loopback_address(number: usize) -> Ipv4Addr {
    const PER_NET: usize = 254;
    let byte = |number: usize| u8::try_from(number).expect("a room has fewer servers");
    Ipv4Addr::new(127, 60, byte(number / PER_NET), 1 + byte(number % PER_NET))
}

/// The signing key with which a server signs in rooms of this seed. Everybody can know it.
pub fn key_of(seed: u64, server: &ServerName) -> ServerSigningKey {
    let secret = sha256(format!("roomgen {seed} {server}").as_bytes());
    ServerSigningKey::from_seed("gen", &secret)
}

//! Randomness is an argument.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use sha2::{Digest, Sha256};

/// A source of random bytes.
pub trait Rng: Send + Sync + fmt::Debug {
    /// Fills the buffer.
    fn fill(&self, buffer: &mut [u8]);

    /// A random number.
    fn next_u64(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_be_bytes(bytes)
    }

    /// Text of `length` characters out of `alphabet` (at most 256 characters, each with almost the
    /// same chance).
    fn text(&self, alphabet: &[u8], length: usize) -> String {
        let mut bytes = vec![0; length * 2];
        self.fill(&mut bytes);
        bytes
            .chunks_exact(2)
            .map(|pair| {
                let number = usize::from(u16::from_be_bytes([pair[0], pair[1]]));
                char::from(alphabet[number % alphabet.len()])
            })
            .collect()
    }

    /// Text of `length` letters and digits.
    fn alphanumeric(&self, length: usize) -> String {
        self.text(
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            length,
        )
    }
}

/// The operating system's generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRng;

impl Rng for SystemRng {
    fn fill(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).expect("the operating system has a random number generator");
    }
}

/// A generator for tests: the same seed gives the same bytes.
#[derive(Debug)]
pub struct SeededRng {
    seed: u64,
    counter: AtomicU64,
}

impl SeededRng {
    /// A generator that starts from `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            counter: AtomicU64::new(0),
        }
    }
}

impl Rng for SeededRng {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(32) {
            let block = Sha256::new()
                .chain_update(self.seed.to_be_bytes())
                .chain_update(self.counter.fetch_add(1, Ordering::SeqCst).to_be_bytes())
                .finalize();
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }
}

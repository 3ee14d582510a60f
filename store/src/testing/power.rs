//! A disk that loses power.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::StorageBackend;

/// What a disk writes completely or not at all, in bytes.
const SECTOR: usize = 512;

/// A disk in memory for [`crate::RedbEngine::on`]. When the power is cut it keeps what was there at
/// the last sync; of what was written since, it keeps any part in any order: writes are forgotten,
/// reordered or torn within. Clones are the same disk.
#[derive(Clone)]
pub struct PowerCutDisk(Arc<Mutex<Disk>>);

/// Whether the disk does what it is told when it is told to sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syncing {
    /// It does.
    Honest,
    /// It says so and does nothing: what a store must not survive.
    Ignored,
}

struct Disk {
    syncing: Syncing,
    /// What reads see.
    current: Vec<u8>,
    /// What was there at the last sync.
    durable: Vec<u8>,
    /// What was done since, in order.
    pending: Vec<Step>,
    /// Accesses that are left until the power is cut.
    left: Option<u64>,
    is_dead: bool,
}

enum Step {
    Write(u64, Vec<u8>),
    Length(u64),
}

impl PowerCutDisk {
    /// A disk with these contents.
    pub fn new(contents: Vec<u8>, syncing: Syncing) -> Self {
        Self(Arc::new(Mutex::new(Disk {
            syncing,
            current: contents.clone(),
            durable: contents,
            pending: Vec::new(),
            left: None,
            is_dead: false,
        })))
    }

    /// Cuts the power after so many more accesses that change something.
    pub fn cut_after(&self, accesses: u64) {
        self.lock().left = Some(accesses);
    }

    /// Cuts the power now and says what is left on the disk. `random` gives a number below its
    /// argument.
    pub fn cut(&self, mut random: impl FnMut(usize) -> usize) -> Vec<u8> {
        let mut disk = self.lock();
        disk.is_dead = true;
        let mut contents = std::mem::take(&mut disk.durable);
        let mut pending = std::mem::take(&mut disk.pending);
        // A tenth of the cuts lose everything, and a tenth nothing, that was not synced.
        let fate = random(10);
        while fate != 0 && !pending.is_empty() {
            let next = if fate == 1 { 0 } else { random(pending.len()) };
            let step = pending.remove(next);
            match step {
                _ if fate > 1 && random(3) == 0 => {}
                Step::Length(length) => contents.resize(length as usize, 0),
                Step::Write(offset, bytes) => {
                    let kept = |n: usize| fate == 1 || n.is_multiple_of(2);
                    let torn = random(3) == 0;
                    for (n, sector) in bytes.chunks(SECTOR).enumerate() {
                        if !torn || kept(n + random(2)) {
                            put(&mut contents, offset as usize + n * SECTOR, sector);
                        }
                    }
                }
            }
        }
        contents
    }

    fn lock(&self) -> MutexGuard<'_, Disk> {
        // Nothing here panics half-way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk {
    fn alive(&self) -> io::Result<()> {
        if self.is_dead {
            return Err(io::Error::other("the power is gone"));
        }
        Ok(())
    }

    /// Counts an access that changes something.
    fn spend(&mut self) -> io::Result<()> {
        self.alive()?;
        if let Some(left) = &mut self.left {
            if *left == 0 {
                self.is_dead = true;
                return self.alive();
            }
            *left -= 1;
        }
        Ok(())
    }
}

fn put(contents: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if contents.len() < end {
        contents.resize(end, 0);
    }
    contents[offset..end].copy_from_slice(bytes);
}

impl StorageBackend for PowerCutDisk {
    fn len(&self) -> io::Result<u64> {
        let disk = self.lock();
        disk.alive()?;
        Ok(disk.current.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let disk = self.lock();
        disk.alive()?;
        let from = offset as usize;
        let found = disk.current.get(from..from + out.len());
        out.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut disk = self.lock();
        disk.spend()?;
        disk.current.resize(len as usize, 0);
        disk.pending.push(Step::Length(len));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut disk = self.lock();
        disk.spend()?;
        if disk.syncing == Syncing::Ignored {
            return Ok(());
        }
        let disk = &mut *disk;
        for step in disk.pending.drain(..) {
            match step {
                Step::Length(length) => disk.durable.resize(length as usize, 0),
                Step::Write(offset, bytes) => put(&mut disk.durable, offset as usize, &bytes),
            }
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut disk = self.lock();
        disk.spend()?;
        put(&mut disk.current, offset as usize, data);
        disk.pending.push(Step::Write(offset, data.to_vec()));
        Ok(())
    }
}

impl fmt::Debug for PowerCutDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PowerCutDisk")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_synced_is_kept_and_the_rest_in_any_part() {
        let mut fates = [false; 3];
        for seed in 0..50_usize {
            let disk = PowerCutDisk::new(Vec::new(), Syncing::Honest);
            disk.write(0, &[1; 2000]).expect("alive");
            disk.sync_data().expect("alive");
            disk.write(0, &[2; 2000]).expect("alive");
            let mut n = seed;

            let left = disk.cut(|end| {
                n = n.wrapping_mul(25_214_903_917).wrapping_add(11);
                (n >> 16) % end
            });

            assert_eq!(left.len(), 2000);
            let written: usize = left.iter().map(|byte| usize::from(*byte == 2)).sum();
            assert!(left.iter().all(|byte| *byte > 0));
            fates[usize::from(written > 0) + usize::from(written == 2000)] = true;
            assert!(disk.write(0, &[3]).is_err());
        }
        assert_eq!(fates, [true; 3]);
    }

    #[test]
    fn a_disk_that_ignores_syncs_loses_what_was_synced() {
        let disk = PowerCutDisk::new(Vec::new(), Syncing::Ignored);
        disk.write(0, &[1; 10]).expect("alive");
        disk.sync_data().expect("alive");

        assert!(disk.cut(|_| 0).is_empty());
    }
}

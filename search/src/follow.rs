//! The one task that keeps the index: it reads the logs of all rooms once, then follows the stream,
//! when somebody asks or much has come.
//!
//! The writer of the index, with its memory and threads, is there only while there is something to
//! write; most servers are seldom asked.

use std::{path::Path, sync::Arc, time::Duration};

use gantry_model::id::RoomId;
use gantry_rooms::{Cut, Gone, IndexChanges, Position, Rooms};
use tokio::{sync::watch, task::JoinError};

use crate::{
    Error, Result,
    folder::{Opened, Progress, Rebuild},
    handle::Inner,
    query::messages_before,
    text::ops_of,
    writer::{Op, Writer},
};

/// Numbers of each writer that are read at once.
const STEP: u64 = 500;
/// Entries of a room's log that are read at once.
const ENTRIES: usize = 200;
/// Rooms of the list that are read at once.
const ROOMS: usize = 200;
/// Changes that are held before they are given to the writer, in bytes.
const MAX_HELD: usize = 1 << 20;
/// How many bytes of changes are committed at once while logs are read.
const COMMIT_EVERY: usize = 8 << 20;
/// How long the writer is kept without news.
const IDLE: Duration = Duration::from_secs(1);
/// The pause after something failed.
const PAUSE: Duration = Duration::from_secs(5);
/// Numbers that may wait until somebody asks. Without anything to index, the cursor is written after
/// so many.
const QUIET: u64 = 20_000;

pub(crate) struct Follower {
    shared: Arc<Inner>,
    opened: Option<Opened>,
    writer: Option<Writer>,
    held: Vec<Op>,
    held_bytes: usize,
    /// Bytes that the writer was given since the last commit.
    written: usize,
    progress: Progress,
    /// The cursor that was committed last.
    committed: Cut,
}

impl Follower {
    pub(crate) fn new(shared: Arc<Inner>) -> Self {
        let cut = Cut::new(shared.config.rooms.store_cut().generation());
        Self {
            shared,
            opened: None,
            writer: None,
            held: Vec::new(),
            held_bytes: 0,
            written: 0,
            progress: Progress::beginning(&cut),
            committed: cut,
        }
    }

    pub(crate) async fn run(mut self) {
        let stop = self.shared.config.stop.clone();
        while !stop.is_cancelled() {
            let Err(error) = self.work().await else {
                break;
            };
            tracing::error!(error = &error as &dyn std::error::Error, "search failed");
            self.forget();
            // It is opened again, and made anew if it turns out to be damaged; another failure may
            // pass, such as a full disk.
            let pause = tokio::time::sleep(PAUSE);
            stop.run_until_cancelled(pause).await;
        }
        if let Err(error) = self.end().await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "search ended badly"
            );
        }
    }

    /// Works until the server stops.
    async fn work(&mut self) -> Result<()> {
        self.open().await?;
        self.rebuild().await?;
        let shared = Arc::clone(&self.shared);
        let config = &shared.config;
        let mut cuts = config.rooms.subscribe();
        loop {
            let upto = cuts.borrow_and_update().clone();
            self.follow(&upto).await?;
            if config.stop.is_cancelled() {
                return Ok(());
            }
            let soon = tokio::time::timeout(IDLE, is_worth_it(&shared, &mut cuts, &upto)).await;
            let goes_on = match soon {
                Ok(goes_on) => goes_on?,
                Err(_) => {
                    self.close_writer().await?;
                    is_worth_it(&shared, &mut cuts, &upto).await?
                }
            };
            if !goes_on {
                return Ok(());
            }
        }
    }

    /// Opens the index, or makes an empty one.
    async fn open(&mut self) -> Result<()> {
        let now = self.rooms().store_cut();
        let folder = self.shared.config.folder.clone();
        let found = {
            let (folder, now) = (folder.clone(), now.clone());
            self.blocking(move || Ok(open(&folder, &now))).await
        };
        let (opened, progress) = match found {
            Ok(Some(found)) => found,
            // Also if reading it panicked.
            Ok(None) | Err(Error::BrokeOff) => {
                let act = move || Ok((Opened::create(&folder)?, Progress::beginning(&now)));
                self.blocking(act).await?
            }
            Err(error) => return Err(error),
        };
        let generation = Cut::new(self.rooms().store_cut().generation());
        self.committed = progress.cut(&generation).unwrap_or(generation);
        self.progress = progress;
        self.shared.set_opened(Some(opened.clone()));
        self.opened = Some(opened);
        Ok(())
    }

    /// Reads the logs of all rooms, from where it was left.
    async fn rebuild(&mut self) -> Result<()> {
        let Some(rebuild) = self.progress.rebuild.clone() else {
            return Ok(());
        };
        let mut after = rebuild.after.and_then(|room| RoomId::parse(room).ok());
        let mut read = 0_u64;
        loop {
            let page = self.rooms().list_rooms(after.as_deref(), ROOMS).await?;
            let is_last = page.len() < ROOMS;
            for room in page {
                if self.shared.config.stop.is_cancelled() {
                    return Ok(());
                }
                self.read_room(&room).await?;
                read += 1;
                self.progress.rebuild = Some(Rebuild {
                    after: Some(room.to_string()),
                });
                if self.written + self.held_bytes >= COMMIT_EVERY {
                    self.commit().await?;
                }
                after = Some(room);
            }
            if is_last {
                break;
            }
        }
        self.progress.rebuild = None;
        if read == 0 {
            // A new server: nothing is worth a writer before somebody says something.
            return Ok(());
        }
        tracing::info!(rooms = read, "the search index was made from the logs");
        self.commit().await
    }

    async fn read_room(&mut self, room: &RoomId) -> Result<()> {
        let rooms = self.rooms();
        let was_in_use = rooms.is_in_use(room);
        let end = match rooms.view(room).await? {
            Some(view) if !view.is_encrypted() => rooms.log_end(room, &rooms.store_cut()).await?,
            _ => 0,
        };
        let mut from = 1;
        while from <= end && !self.shared.config.stop.is_cancelled() {
            let to = end.min(from + ENTRIES as u64 - 1);
            self.index(room, from..=to).await?;
            from = to + 1;
        }
        if !was_in_use {
            rooms.evict_room(room);
        }
        Ok(())
    }

    /// Takes in what the stream has brought up to a cut, and commits it.
    async fn follow(&mut self, upto: &Cut) -> Result<()> {
        // The logs are not read to their end if the server stops meanwhile.
        if self.progress.rebuild.is_some() {
            return Ok(());
        }
        let generation = Cut::new(upto.generation());
        let mut since = self.progress.cut(upto).unwrap_or(generation);
        loop {
            let next = since.step(upto, STEP);
            if next == since || self.shared.config.stop.is_cancelled() {
                break;
            }
            let changes = self.rooms().index_changes(&since, &next).await?;
            self.take(changes).await?;
            self.progress.cursor = next.to_string();
            since = next;
        }
        if self.is_dirty() || distance(&self.committed, &since) > QUIET {
            self.commit().await?;
        }
        self.shared.set_found(Some(&since));
        Ok(())
    }

    async fn take(&mut self, changes: IndexChanges) -> Result<()> {
        for gone in changes.gone {
            match gone {
                Gone::Messages {
                    room,
                    number,
                    before_ms,
                } => self.look_again(&room, number, before_ms).await?,
                Gone::Room(_) | Gone::User(_) => self.hold(vec![Op::Gone(gone)]).await?,
            }
        }
        for (room, positions) in changes.entries {
            let positions: Vec<u64> = positions.into_iter().collect();
            for some in positions.chunks(ENTRIES) {
                self.index(&room, some.iter().copied()).await?;
            }
        }
        Ok(())
    }

    /// Indexes messages of a room again that were sent before a time: some are gone.
    async fn look_again(&mut self, room: &RoomId, number: u64, before_ms: i64) -> Result<()> {
        self.commit().await?;
        let opened = self.opened.clone().ok_or(Error::NotReady)?;
        let find = move || messages_before(&opened, number, before_ms);
        let positions = self.blocking(find).await?;
        for some in positions.chunks(ENTRIES) {
            self.index(room, some.iter().copied()).await?;
        }
        Ok(())
    }

    /// Indexes entries of a room's log, and the events that they change.
    async fn index(
        &mut self,
        room: &RoomId,
        positions: impl IntoIterator<Item = u64> + Send,
    ) -> Result<()> {
        let rooms = self.rooms();
        // Rooms may have been removed since.
        let Some(view) = rooms.view(room).await? else {
            return Ok(());
        };
        let placed = rooms.affected(room, positions).await?;
        let ops = ops_of(&rooms, &view, placed).await?;
        self.hold(ops).await
    }

    async fn hold(&mut self, ops: Vec<Op>) -> Result<()> {
        self.held_bytes += ops.iter().map(Op::size).sum::<usize>();
        self.held.extend(ops);
        if self.held_bytes >= MAX_HELD {
            self.write().await?;
        }
        Ok(())
    }

    fn is_dirty(&self) -> bool {
        !self.held.is_empty() || self.written > 0
    }

    /// Gives what is held to the writer.
    async fn write(&mut self) -> Result<()> {
        let ops = std::mem::take(&mut self.held);
        self.written += std::mem::take(&mut self.held_bytes);
        self.with_writer(move |writer| writer.apply(ops)).await
    }

    async fn commit(&mut self) -> Result<()> {
        self.write().await?;
        let progress = self.progress.clone();
        self.with_writer(move |writer| writer.commit(&progress))
            .await?;
        self.written = 0;
        let now = self.rooms().store_cut();
        if let Some(cut) = self.progress.cut(&now) {
            self.committed = cut;
        }
        Ok(())
    }

    async fn with_writer(
        &mut self,
        act: impl FnOnce(&mut Writer) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let writer = self.writer.take();
        let opened = self.opened.clone().ok_or(Error::NotReady)?;
        let writer = self
            .blocking(move || {
                let mut writer = match writer {
                    Some(writer) => writer,
                    None => Writer::open(&opened)?,
                };
                act(&mut writer)?;
                Ok(writer)
            })
            .await?;
        self.writer = Some(writer);
        Ok(())
    }

    async fn close_writer(&mut self) -> Result<()> {
        match self.writer.take() {
            Some(writer) => self.blocking(move || writer.close()).await,
            None => Ok(()),
        }
    }

    /// Commits what is held, also how far the logs have been read.
    async fn end(&mut self) -> Result<()> {
        let now = self.rooms().store_cut();
        let moved = self
            .progress
            .cut(&now)
            .is_some_and(|cut| cut != self.committed);
        if self.opened.is_some() && (self.is_dirty() || moved) {
            self.commit().await?;
        }
        self.close_writer().await
    }

    /// Lets go of an index that failed.
    fn forget(&mut self) {
        self.shared.set_opened(None);
        self.shared.set_found(None);
        (self.opened, self.writer) = (None, None);
        self.held.clear();
        (self.held_bytes, self.written) = (0, 0);
    }

    fn rooms(&self) -> Rooms {
        self.shared.config.rooms.clone()
    }

    async fn blocking<T: Send + 'static>(
        &self,
        act: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let task = self.shared.config.tracker.spawn_blocking(act);
        task.await.map_err(|_: JoinError| Error::BrokeOff)?
    }
}

/// Waits until somebody asks, or so much has come that nobody should wait for it when he asks. False:
/// the server stops.
async fn is_worth_it(shared: &Inner, cuts: &mut watch::Receiver<Cut>, done: &Cut) -> Result<bool> {
    let much = async {
        let much = |now: &Cut| distance(done, now) > QUIET;
        cuts.wait_for(much).await.is_ok()
    };
    tokio::select! {
        () = shared.config.stop.cancelled() => Ok(false),
        () = shared.suspect.notified() => Err(Error::NotReady),
        () = shared.wanted.notified() => Ok(true),
        goes_on = much => Ok(goes_on),
    }
}

/// The index of a folder, if it can be used.
fn open(folder: &Path, now: &Cut) -> Option<(Opened, Progress)> {
    match Opened::open(folder) {
        Ok(found) => found.filter(|(_, progress)| progress.cut(now).is_some()),
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "the search index cannot be opened and is made anew");
            None
        }
    }
}

/// How many numbers lie between two cuts.
fn distance(from: &Cut, to: &Cut) -> u64 {
    let ahead = |mark: Position| mark.s.saturating_sub(from.mark(mark.w));
    to.marks().map(ahead).sum()
}

//! Requests without a running server, and those that must have none.

use std::{
    io::{ErrorKind, Write},
    path::Path,
};

use gantry_model::{Clock, id::RoomId};
use gantry_rooms::Upkeep;
use gantry_store::Store;

use super::{AdminError, Answer, Operator, Request, control};
use crate::{Config, Deps, Workers, config::StorageEngine, wiring};

/// Has a request carried out: by the running server if there is one, else on the store itself.
pub async fn run(config: &Config, request: Request) -> Result<Answer, AdminError> {
    if let Some(answer) = control::ask(config, &request).await? {
        return Ok(answer);
    }
    if matches!(request, Request::Rooms(_)) {
        return run_writing(config, request).await;
    }
    let store = wiring::read_store(config).await?;
    let operator = Operator::new(store.clone(), config.server.server_name(), None);
    let answer = operator.run(request).await;
    store.shutdown().await;
    answer
}

async fn run_writing(config: &Config, request: Request) -> Result<Answer, AdminError> {
    let workers = Workers::new();
    let opened = wiring::open_rooms(config, &Deps::default(), &workers).await;
    let (store, rooms) = opened?;
    let name = config.server.server_name();
    let operator = Operator::new(store.clone(), name, Some(rooms));
    let answer = operator.run(request).await;
    workers.stop().await;
    store.shutdown().await;
    answer
}

/// Rebuilds the projections of all rooms and says what was wrong.
pub async fn rebuild_projections(config: &Config) -> Result<String, AdminError> {
    let store = wiring::open_store(config).await?;
    let upkeep = Upkeep::new(store.clone(), config.server.server_name());
    let rebuilt = upkeep.rebuild_projections().await;
    store.shutdown().await;
    let done = rebuilt?;
    forget_search(config)?;
    Ok(format!(
        "{} rooms read, {} rows made; {} were missing or different, {} had no reason to be there\n\
        The search index will be made anew when the server starts\n",
        done.rooms, done.rows, done.written, done.removed
    ))
}

/// Takes the search index of this node away: a server that finds none makes it from the logs.
fn forget_search(config: &Config) -> Result<(), AdminError> {
    match std::fs::remove_dir_all(wiring::search_folder(config)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(AdminError::Search(error)),
        _ => Ok(()),
    }
}

/// Writes a room as lines of JSON.
pub async fn export_room(
    config: &Config,
    room: &RoomId,
    output: &mut (dyn Write + Send),
) -> Result<(), AdminError> {
    let store = wiring::read_store(config).await?;
    let upkeep = Upkeep::new(store.clone(), config.server.server_name());
    let exported = async {
        let mut export = upkeep.export(room).await?;
        while let Some(lines) = export.next().await? {
            output.write_all(&lines).map_err(AdminError::Output)?;
        }
        output.flush().map_err(AdminError::Output)
    };
    let exported = exported.await;
    store.shutdown().await;
    exported
}

/// Puts a backup into an empty store.
pub async fn restore(
    config: &Config,
    folder: &Path,
    clock: &dyn Clock,
) -> Result<String, AdminError> {
    let now_ms = clock.now_ms();
    let moved = match config.storage.engine {
        StorageEngine::Redb => {
            let data = &config.server.data_dir;
            std::fs::create_dir_all(data).map_err(wiring::WiringError::DataFolder)?;
            Store::restore_redb(&data.join("gantry.redb"), folder, now_ms).await?
        }
        StorageEngine::Mongodb => {
            let uri = config
                .storage
                .uri
                .as_ref()
                .ok_or(wiring::WiringError::NoUri)?;
            let database = &config.storage.database;
            Store::restore_mongodb(uri.reveal(), database, folder, now_ms).await?
        }
    };
    Ok(format!(
        "{} documents of {} tables restored\n",
        moved.documents, moved.tables
    ))
}

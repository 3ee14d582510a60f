//! Connecting, and what must be there.

use std::time::Duration;

use bson::doc;
use futures::future::try_join_all;
use mongodb::options::{
    Acknowledgment, ClientOptions, IndexOptions, ReadConcern, ReadPreference, SelectionCriteria,
    WriteConcern,
};
use mongodb::{Client, IndexModel};

use super::failure::failed;
use super::{MongoEngine, query, single};
use crate::schema::TABLES;
use crate::{Error, Result, Table};

/// How long a server is looked for before a statement counts as unanswered.
const SELECTION: Duration = Duration::from_secs(10);

/// The wire version of MongoDB 6.0.
const WIRE_VERSION: i32 = 17;

const NAMESPACE_EXISTS: i32 = 48;

impl MongoEngine {
    /// Connects, checks that the server can keep what is promised, and creates what is missing.
    pub async fn open(uri: &str, database: &str) -> Result<Self> {
        let engine = Self::connect(uri, database).await?;
        try_join_all(TABLES.iter().map(|table| engine.create(table))).await?;
        Ok(engine)
    }

    /// Connects and checks that the server can keep what is promised.
    pub async fn connect(uri: &str, database: &str) -> Result<Self> {
        let mut options = ClientOptions::parse(uri).await.map_err(failed)?;
        let majority = WriteConcern::builder()
            .w(Acknowledgment::Majority)
            .journal(true)
            .build();
        options.write_concern = Some(majority);
        options.read_concern = Some(ReadConcern::majority());
        options.selection_criteria =
            Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
        options.retry_writes = Some(true);
        options.app_name.get_or_insert_with(|| "gantry".into());
        options.server_selection_timeout.get_or_insert(SELECTION);
        let client = Client::with_options(options).map_err(failed)?;
        let engine = Self {
            database: client.database(database),
            client,
        };
        engine.check_server().await?;
        Ok(engine)
    }

    async fn check_server(&self) -> Result<()> {
        let hello = self
            .database
            .run_command(single("hello", 1))
            .await
            .map_err(failed)?;
        let refuse = |reason: &str| Err(Error::Unsuitable(format!("MongoDB: {reason}")));
        if hello
            .get_str("msg")
            .is_ok_and(|message| message == "isdbgrid")
        {
            return refuse(
                "this is a mongos; positions cannot be unique across shards, so connect to a \
                 replica set itself",
            );
        }
        if hello.get_str("setName").is_err() {
            return refuse(
                "this is a standalone server; majority writes and change streams need a replica \
                 set (one member is enough: start mongod with --replSet and run rs.initiate())",
            );
        }
        if hello.get_i32("maxWireVersion").unwrap_or(0) < WIRE_VERSION {
            return refuse("the server is older than 6.0");
        }
        Ok(())
    }

    async fn create(&self, table: &'static Table) -> Result<()> {
        let models = table.indexes.iter().map(|index| {
            let options = IndexOptions::builder()
                .name(index.name.to_owned())
                .unique(index.unique.then_some(true))
                .partial_filter_expression(query::in_index(index))
                .build();
            IndexModel::builder()
                .keys(query::order(index, 1))
                .options(options)
                .build()
        });
        if !table.indexes.is_empty() {
            self.collection(table)
                .create_indexes(models)
                .await
                .map_err(failed)?;
            return Ok(());
        }
        match self
            .database
            .run_command(doc! { "create": table.name })
            .await
        {
            Err(error) if is_present(&error) => Ok(()),
            other => other.map(|_| ()).map_err(failed),
        }
    }
}

fn is_present(error: &mongodb::error::Error) -> bool {
    use mongodb::error::ErrorKind;
    matches!(error.kind.as_ref(), ErrorKind::Command(command) if command.code == NAMESPACE_EXISTS)
}

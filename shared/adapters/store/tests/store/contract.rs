//! The contract of the ports on the store; the test kit runs it on its memory platform too.

use writ_dynamodb::Database;
use writ_store::Store;

use crate::fixture::Fixture;

async fn platform() -> (Store, Database) {
    let Fixture { store, database } = Fixture::new().await;
    (store, database)
}

writ_testing::port_contract!(platform);

//! Access to the store in a data directory, without a server.

use std::path::Path;

use writ_model::Error;
use writ_store::Store;

use crate::error::CliError;
use crate::exit::Exit;
use crate::up_error::up_error;

/// Opens the store in the directory `data`, runs `work` on it, and closes it.
///
/// # Errors
/// A directory that cannot be opened, or that a running server has locked; the errors of `work`.
pub(crate) fn with_store<T>(
    data: &Path,
    work: impl AsyncFnOnce(&Store) -> Result<T, Error>,
) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::new(Exit::Internal, format!("cannot start: {error}")))?;
    runtime.block_on(async {
        // The database is dropped at the end of the block, after the last write.
        let (_database, store) =
            writ_embedded::open_store(data).await.map_err(|error| up_error(&error))?;
        work(&store)
            .await
            .map_err(|error| CliError::from_error(&error).at(data.display().to_string()))
    })
}

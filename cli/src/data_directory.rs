//! The store in a data directory, without a server.

use std::path::Path;

use writ_model::Error;
use writ_store::Store;

use crate::command::up::refused;
use crate::exit::Exit;
use crate::failure::Failure;

/// Works on the store in `data`, and closes it.
///
/// # Errors
/// A directory that is none, or that a running server holds; what `work` says.
pub(crate) fn with_store<T>(
    data: &Path,
    work: impl AsyncFnOnce(&Store) -> Result<T, Error>,
) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Internal, format!("cannot start: {error}")))?;
    runtime.block_on(async {
        // The database ends with the block, after the last write.
        let (_database, store) =
            writ_embedded::open_store(data).await.map_err(|error| refused(&error))?;
        work(&store).await.map_err(|error| Failure::of(&error).at(data.display().to_string()))
    })
}

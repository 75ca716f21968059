//! The lock that lets one process at a time open a database file.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use super::DatabaseError;

/// An advisory lock on a file beside the database. The operating system releases it when this
/// process ends for whatever reason; the file itself stays.
#[derive(Debug)]
pub(super) struct FileLock {
    _file: File,
}

impl FileLock {
    pub(super) fn acquire(database: &Path) -> Result<Self, DatabaseError> {
        let mut path = database.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let lock_error = |source| DatabaseError::Lock { path: path.clone(), source };
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(lock_error)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => {
                Err(DatabaseError::InUse { path: database.to_owned() })
            }
            Err(TryLockError::Error(source)) => Err(lock_error(source)),
        }
    }
}

//! The locks that let one process at a time open a database file.
//!
//! There are two. Earlier builds take the lock file beside the database, but the next process makes
//! a new one where it was removed. So the database file itself is locked as well, by an open file
//! description lock (`F_OFD_SETLK` of fcntl(2)) on a byte that SQLite never locks.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::DatabaseError;

/// The locked byte of the database file: far behind its end, and behind the bytes from 2^30 that
/// SQLite locks (<https://www.sqlite.org/fileformat2.html#the_lock_byte_page>).
const LOCKED_BYTE: libc::off_t = 1 << 62;

/// Files are readable by their owner alone. SQLite gives its other files the mode of the database.
const MODE: u32 = 0o600;

/// Both locks of a database. The operating system releases them when this process ends for
/// whatever reason; the files themselves stay.
#[derive(Debug)]
pub(super) struct FileLock {
    /// INVARIANT: stays open until SQLite has closed the file. Closing any descriptor of a file
    /// drops the POSIX locks that this process has on it, and SQLite locks by those.
    _database: File,
    _lock_file: File,
}

impl FileLock {
    /// Locks the database file, which is created if it does not exist.
    pub(super) fn acquire(database: &Path) -> Result<Self, DatabaseError> {
        let lock_file = lock_beside(database)?;
        let lock_error = |source| DatabaseError::Lock { path: database.to_owned(), source };
        let file = open(database).map_err(lock_error)?;
        match lock_byte(&file) {
            Ok(()) => Ok(Self { _database: file, _lock_file: lock_file }),
            Err(errno) => {
                // This process may be the one that uses the file: to close the descriptor would
                // drop SQLite's locks.
                std::mem::forget(file);
                Err(match errno {
                    Errno::EAGAIN | Errno::EACCES => {
                        DatabaseError::InUse { path: database.to_owned() }
                    }
                    errno => lock_error(errno.into()),
                })
            }
        }
    }
}

/// Takes the lock file of a database.
fn lock_beside(database: &Path) -> Result<File, DatabaseError> {
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    let path = PathBuf::from(path);
    let lock_error = |source| DatabaseError::Lock { path: path.clone(), source };
    let file = open(&path).map_err(lock_error)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DatabaseError::InUse { path: database.to_owned() }),
        Err(TryLockError::Error(source)) => Err(lock_error(source)),
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(MODE).open(path)
}

fn lock_byte(file: &File) -> Result<(), Errno> {
    let lock = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: LOCKED_BYTE,
        l_len: 1,
        l_pid: 0,
    };
    fcntl(file, FcntlArg::F_OFD_SETLK(&lock)).map(drop)
}

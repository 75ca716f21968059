//! The data directory: only the server's own user may change it, and only that user may read the
//! files in it.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use crate::UpError;

/// The name of the database file.
const DATABASE_FILE: &str = "writ.db";
/// What SQLite and the locks append to the name.
const SUFFIXES: [&str; 4] = ["", "-wal", "-shm", LOCK_SUFFIX];
/// The lock file has no content, so it does not matter that others could write it.
const LOCK_SUFFIX: &str = ".lock";
/// The bits of a mode by which other users may write.
const WRITABLE: u32 = 0o022;
/// The bits of a mode that other users have.
const OTHERS: u32 = 0o077;

/// The reason why a data directory is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Exposure {
    /// Another user owns it.
    #[error(
        "belongs to user {owner}, and this process runs as user {user}; give it to that user with `chown`"
    )]
    Owner {
        /// The numeric id of the owner.
        owner: u32,
        /// The numeric id of the server's user.
        user: u32,
    },
    /// Its permissions let other users write.
    #[error(
        "has the mode {mode:04o}, so other users may change it; take that from them with `chmod go-w`"
    )]
    Writable {
        /// The permission bits, with those for special files.
        mode: u32,
    },
}

/// Creates the directory if it does not exist, and returns the path of its database file.
///
/// # Errors
/// [`UpError::Directory`] where it cannot be created or read; [`UpError::Exposed`] where another user
/// owns the directory or a file of the database, or may write to it.
pub(crate) fn prepare(directory: &Path) -> Result<PathBuf, UpError> {
    prepare_for(directory, geteuid().as_raw())
}

fn prepare_for(directory: &Path, user: u32) -> Result<PathBuf, UpError> {
    let io_error = |path: &Path, source| UpError::Directory { path: path.to_owned(), source };
    let builder = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    builder.map_err(|source| io_error(directory, source))?;
    check(directory, user)?;
    let database = directory.join(DATABASE_FILE);
    for suffix in SUFFIXES {
        let path = directory.join(format!("{DATABASE_FILE}{suffix}"));
        match make_private(&path, suffix == LOCK_SUFFIX, user) {
            Ok(()) => {}
            Err(FileError::Exposed(error)) => return Err(error),
            Err(FileError::Io(source)) => return Err(io_error(&path, source)),
        }
    }
    Ok(database)
}

enum FileError {
    Io(io::Error),
    Exposed(UpError),
}

/// Checks a file, and takes it from other users that may read it. No descriptor of the database is
/// opened: closing one would drop the locks that SQLite has.
fn make_private(path: &Path, is_lock_file: bool, user: u32) -> Result<(), FileError> {
    let mode = match fs::metadata(path) {
        Ok(metadata) => metadata.mode() & 0o7777,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(FileError::Io(error)),
    };
    if !is_lock_file {
        check(path, user).map_err(FileError::Exposed)?;
    }
    if mode & OTHERS == 0 {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(mode & !OTHERS)).map_err(FileError::Io)?;
    tracing::warn!(
        "`{}` had the mode {mode:04o}, so other users could read it; it is {:04o} now",
        path.display(),
        mode & !OTHERS
    );
    Ok(())
}

/// Refuses what another user owns or may write.
fn check(path: &Path, user: u32) -> Result<(), UpError> {
    let metadata = fs::metadata(path)
        .map_err(|source| UpError::Directory { path: path.to_owned(), source })?;
    let (owner, mode) = (metadata.uid(), metadata.mode() & 0o7777);
    let exposure = if owner != user {
        Exposure::Owner { owner, user }
    } else if mode & WRITABLE != 0 {
        Exposure::Writable { mode }
    } else {
        return Ok(());
    };
    Err(UpError::Exposed { path: path.to_owned(), exposure })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    fn mode_of(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    fn exposure(directory: &Path) -> Option<Exposure> {
        match prepare(directory) {
            Ok(_) => None,
            Err(UpError::Exposed { exposure, .. }) => Some(exposure),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn a_new_directory_is_its_owners_alone() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("a/b");
        assert_eq!(prepare(&directory).unwrap(), directory.join("writ.db"));
        assert_eq!(mode_of(&directory), 0o700);
    }

    #[test]
    fn a_directory_that_others_may_change_is_refused_with_its_mode() {
        let directory = tempfile::tempdir().unwrap();
        for (mode, is_refused) in [
            (0o777, true),
            (0o1777, true),
            (0o770, true),
            (0o702, true),
            (0o755, false),
            (0o700, false),
        ] {
            set_mode(directory.path(), mode);
            let expected = is_refused.then_some(Exposure::Writable { mode });
            assert_eq!(exposure(directory.path()), expected, "{mode:o}");
            assert_eq!(mode_of(directory.path()), mode, "it is not changed");
        }
        set_mode(directory.path(), 0o777);
        let text = prepare(directory.path()).unwrap_err().to_string();
        assert!(text.contains("has the mode 0777") && text.contains("chmod go-w"), "{text}");
    }

    #[test]
    fn a_directory_of_another_user_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let (owner, user) = (geteuid().as_raw(), geteuid().as_raw() + 1);
        let error = prepare_for(directory.path(), user).unwrap_err();
        let UpError::Exposed { exposure, .. } = &error else { panic!("{error}") };
        assert_eq!(*exposure, Exposure::Owner { owner, user });
        assert!(error.to_string().contains(&format!("belongs to user {owner}")), "{error}");
    }

    #[test]
    fn a_file_that_others_may_read_is_made_private() {
        let directory = tempfile::tempdir().unwrap();
        let files = ["writ.db", "writ.db-wal", "writ.db-shm", "writ.db.lock"];
        let paths = files.map(|name| directory.path().join(name));
        for path in &paths {
            fs::write(path, "").unwrap();
            set_mode(path, 0o644);
        }
        prepare(directory.path()).unwrap();
        assert_eq!(paths.map(|path| mode_of(&path)), [0o600; 4]);
    }

    #[test]
    fn a_database_that_others_may_write_is_refused_and_a_lock_file_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let (database, lock) =
            (directory.path().join("writ.db"), directory.path().join("writ.db.lock"));
        fs::write(&database, "").unwrap();
        fs::write(&lock, "").unwrap();
        set_mode(&lock, 0o664);
        assert_eq!(exposure(directory.path()), None);
        assert_eq!(mode_of(&lock), 0o600);
        set_mode(&database, 0o660);
        assert_eq!(exposure(directory.path()), Some(Exposure::Writable { mode: 0o660 }));
    }
}

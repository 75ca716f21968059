//! The deployment as data: templates, roles and example events, made from the one route table, the
//! ports in the handlers' signatures and what those ports do to the tables.
//!
//! Templates are text with `<name>` where something is filled in (`snippets/`), so that what comes
//! out reads as somebody would write it. What comes out is committed; a test makes it again.

mod data;
mod events;
mod extras;
mod fill;
mod fires;
mod function;
mod ports;
mod runners;
mod sizing;
mod stacks;
mod statements;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use function::{Function, functions, identifier};
pub use ports::{Needs, Signatures};
pub use sizing::{Size, Sizing};
pub use statements::{arn_of, needed, needed_of_queues, queue_statements, statements};

/// Why the deployment cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum InfraError {
    /// A file cannot be read or written.
    #[error("cannot use `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The sizing is not what it should be.
    #[error("cannot read `infra/sizing.yaml`")]
    Sizing {
        /// What is wrong, and where.
        source: yaml_serde::Error,
    },
    /// The sizing names a route that is none.
    #[error("`infra/sizing.yaml` sizes `{route}`, which is no route")]
    NoSuchRoute {
        /// What it names.
        route: String,
    },
    /// No handler's source says what the route needs.
    #[error("no file in `functions/` has an `ABOUT` with the name `{route}` and a `handle`")]
    NoHandler {
        /// The route.
        route: String,
    },
    /// A handler names a port that nobody knows.
    #[error(
        "`{route}` needs `{port}`, which is neither in `shared/adapters/store/src/grants.rs` nor among the ports that \
         need no table in `infra/src/ports.rs`"
    )]
    UnknownPort {
        /// The route.
        route: String,
        /// The port.
        port: String,
    },
    /// A source file does not say what is looked for.
    #[error("`{}` does not hold `{wanted}`", path.display())]
    Source {
        /// The file.
        path: PathBuf,
        /// What is looked for.
        wanted: String,
    },
    /// A snippet wants what nobody gives, or the other way round.
    #[error("the snippet starting with `{snippet}` and what is filled in differ at `<{name}>`")]
    Snippet {
        /// Its first line.
        snippet: String,
        /// The placeholder.
        name: String,
    },
    /// The document of the API has no example to build an event from.
    #[error("the API's document has no example for {what}")]
    NoExample {
        /// Of what.
        what: String,
    },
}

/// A file that is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// From the repository's root.
    pub path: PathBuf,
    /// What is in it.
    pub text: String,
}

/// Every file that is made, from the repository at `root`.
///
/// # Errors
/// [`InfraError`].
pub fn documents(root: &Path) -> Result<Vec<Document>, InfraError> {
    let functions = functions(root)?;
    let mut documents = stacks::documents(&functions)?;
    documents.push(data::document()?);
    let signatures = Signatures::read(root)?;
    documents.push(runners::document(&signatures)?);
    documents.push(fires::document(&signatures)?);
    documents.extend(events::documents(&functions)?);
    Ok(documents)
}

/// The text of a file.
///
/// # Errors
/// [`InfraError::File`].
pub(crate) fn read(path: &Path) -> Result<String, InfraError> {
    fs::read_to_string(path).map_err(|source| InfraError::File { path: path.to_owned(), source })
}

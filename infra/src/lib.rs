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
mod needs;
mod runners;
mod sizing;
mod stacks;
mod statements;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use function::{Function, functions, identifier};
pub use needs::Needs;
pub use sizing::{Size, Sizing};
pub use statements::{arn_of, statements, timer_statements};

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
    /// A port that calls a service has no row in the table of grants.
    #[error(
        "`{function}` needs the port `{port}`, which has no row in `shared/adapters/grants/src/table.rs`"
    )]
    NoGrants {
        /// The function or the route that names the port.
        function: String,
        /// The name of the port's trait.
        port: &'static str,
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
    documents.push(runners::document()?);
    documents.push(fires::document()?);
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

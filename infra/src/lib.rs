//! The deployment as data: templates, roles and example events, made from the one route table, the
//! ports that routes and programs name, and the table of grants.
//!
//! Templates are text with `<name>` where something is filled in (`snippets/`), so that the
//! result reads as if written by hand. The result is committed; a test makes it again.

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
        /// The path of the file.
        path: PathBuf,
        /// The error of the operating system.
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
        /// The name that is no route.
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
    /// A snippet has a placeholder without a value, or a value has no placeholder.
    #[error("the snippet starting with `{snippet}` and what is filled in differ at `<{name}>`")]
    Snippet {
        /// The first line of the snippet.
        snippet: String,
        /// The name of the placeholder.
        name: String,
    },
    /// The document of the API has no example to build an event from.
    #[error("the API's document has no example for {what}")]
    NoExample {
        /// The schema or the parameter that has no example.
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

//! `writ token`: the access tokens of a server.

mod create;
mod list;
mod revoke;
mod store_args;

use clap::Subcommand;

use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Create a token, and print it once
    Create(create::Create),
    /// List the tokens of a workspace, without their secrets
    List(list::List),
    /// Revoke a token at once
    Revoke(revoke::Revoke),
}

impl Token {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        match self {
            Self::Create(create) => create.run(global),
            Self::List(list) => list.run(global),
            Self::Revoke(revoke) => revoke.run(global),
        }
    }
}

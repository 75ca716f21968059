//! `writ token`: who may call a server.

mod create;
mod direct;
mod list;
mod revoke;

use clap::Subcommand;

use crate::args::Global;
use crate::exit::Exit;
use crate::failure::Failure;

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make a token, and show it this once
    Create(create::Create),
    /// List the tokens of a workspace, without their secrets
    List(list::List),
    /// End a token
    Revoke(revoke::Revoke),
}

impl Token {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        match self {
            Self::Create(create) => create.run(global),
            Self::List(list) => list.run(global),
            Self::Revoke(revoke) => revoke.run(global),
        }
    }
}

//! `writ policy list`: lists policies.

use clap::Args;

use crate::command::paging::{ListQuery, PagingArgs};
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;
use crate::output::Format;
use crate::output::table::{Column, rows};

const COLUMNS: [Column; 4] = [
    ("URI", "policy_rule_uri"),
    ("TYPE", "type"),
    ("TAGS", "tags"),
    ("DESCRIPTION", "description"),
];

/// The fields of each policy that the table needs; the code can be large.
const FIELDS: &str = "policy_rule_uri,type,tags,description";

/// As `writ policy list --filter '{"tags": {"$regex": "security"}}' --sort name,-version`.
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    paging: PagingArgs,
}

impl List {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        let terminal = global.terminal();
        let query = ListQuery {
            segments: &["policy", "query"],
            filter: self.paging.filter()?,
            projection: (terminal.format() == Format::Table).then_some(FIELDS),
        };
        self.paging.list(&global.client()?, terminal, &query, |items| rows(&COLUMNS, items))?;
        Ok(Exit::Success)
    }
}

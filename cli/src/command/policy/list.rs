//! `writ policy list`: lists policies.

use clap::Args;

use crate::args::Global;
use crate::command::paging::{Paging, Query};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Format;
use crate::output::table::{Column, rows};

const COLUMNS: [Column; 4] = [
    ("URI", "policy_rule_uri"),
    ("TYPE", "type"),
    ("TAGS", "tags"),
    ("DESCRIPTION", "description"),
];

/// What the table needs of each policy: the code can be large.
const FIELDS: &str = "policy_rule_uri,type,tags,description";

/// As `writ policy list --filter '{"tags": {"$regex": "security"}}' --sort name,-version`.
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    paging: Paging,
}

impl List {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        let terminal = global.terminal();
        let query = Query {
            segments: &["policy", "query"],
            filter: self.paging.filter()?,
            projection: (terminal.format() == Format::Table).then_some(FIELDS),
        };
        self.paging.list(&global.client()?, terminal, &query, |items| rows(&COLUMNS, items))?;
        Ok(Exit::Success)
    }
}

//! The subcommands: one file for each verb, one directory for each noun.

pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod eval;
pub(crate) mod executions;
pub(crate) mod job;
pub(crate) mod openapi;
mod paging;
pub(crate) mod plan;
pub(crate) mod policy;
pub(crate) mod replay;
pub(crate) mod run;
pub(crate) mod schedule;
pub(crate) mod test;
pub(crate) mod token;
pub(crate) mod up;
pub(crate) mod whoami;

//! Options and requests of commands that list items page by page.

use clap::Args;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use writ_model::RawJson;

use crate::client::{ApiRequest, Client};
use crate::error::CliError;
use crate::exit::Exit;
use crate::input;
use crate::output::Terminal;

/// Filter, order and page of a list.
#[derive(Clone, Debug, Args)]
pub(crate) struct PagingArgs {
    /// Mongo filter: JSON, a file, or `-` for standard input
    #[arg(long, value_name = "JSON")]
    pub(crate) filter: Option<String>,
    /// Sort order: `name,-version`, or a Mongo sort
    #[arg(long, value_name = "FIELDS", allow_hyphen_values = true)]
    sort: Option<String>,
    /// Items of one page, at most 1000
    #[arg(long, value_name = "N")]
    limit: Option<u16>,
    /// Fetch all pages instead of the first
    #[arg(long)]
    all: bool,
    /// Fetch the page of this token, which the page before it returned
    #[arg(long, value_name = "TOKEN", conflicts_with = "all")]
    next_token: Option<String>,
}

impl PagingArgs {
    /// The filter of the option, or an empty one, which matches everything.
    pub(crate) fn filter(&self) -> Result<RawJson, CliError> {
        Ok(input::optional_json(self.filter.as_deref())?.unwrap_or_else(RawJson::empty_object))
    }

    /// The filter of the option together with the conditions of other options.
    pub(crate) fn filter_with(&self, conditions: Vec<Value>) -> Result<RawJson, CliError> {
        self.filter().map(|filter| and_filter(filter, conditions))
    }

    /// Fetches one page or all pages, and prints the items; `table` renders them as a table.
    pub(crate) fn list(
        &self,
        client: &Client,
        terminal: Terminal,
        query: &ListQuery<'_>,
        table: impl FnOnce(&[Value]) -> String,
    ) -> Result<(), CliError> {
        let mut items: Vec<Box<RawValue>> = Vec::new();
        let mut next = self.next_token.clone();
        loop {
            let limit = self.limit.map(|limit| limit.to_string());
            let request = ApiRequest::post(query.segments, query.filter.as_str())
                .query("limit", limit.as_deref())
                .query("sort", self.sort.as_deref())
                .query("projection", query.projection)
                .query("next_token", next.as_deref());
            let response = client.send(&request)?;
            items.extend(parse_page(&response.data)?);
            next = response.next_token;
            if !self.all || next.is_none() {
                break;
            }
        }
        let texts: Vec<_> = items.iter().map(|item| item.get()).collect();
        terminal.print(&format!("[{}]", texts.join(",")), |value| {
            table(value.as_array().map(Vec::as_slice).unwrap_or_default())
        })?;
        if let Some(token) = next {
            terminal.note(&format!("more items: `--all`, or `--next-token {token}`"));
        }
        Ok(())
    }
}

/// A request to a `/query` route.
pub(crate) struct ListQuery<'a> {
    pub(crate) segments: &'a [&'a str],
    pub(crate) filter: RawJson,
    /// The fields that the table needs; `None` for whole items.
    pub(crate) projection: Option<&'a str>,
}

/// Combines the filter and the conditions: an item must match all of them.
fn and_filter(filter: RawJson, mut conditions: Vec<Value>) -> RawJson {
    if conditions.is_empty() {
        return filter;
    }
    let value = filter.value();
    if value != json!({}) {
        conditions.push(value);
    }
    match conditions.as_slice() {
        [one] => RawJson::of(one),
        several => RawJson::of(&json!({"$and": several})),
    }
}

fn parse_page(data: &str) -> Result<Vec<Box<RawValue>>, CliError> {
    serde_json::from_str(data)
        .map_err(|_| CliError::new(Exit::Internal, "the server's page is not a list"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_of_a_page_keep_their_bytes() {
        let items = parse_page(r#"[{"a": 1.0}, {"b":1e400}]"#).unwrap();
        assert_eq!(items[0].get(), r#"{"a": 1.0}"#);
        assert_eq!(items[1].get(), r#"{"b":1e400}"#);
        assert_eq!(parse_page("{}").unwrap_err().exit(), Exit::Internal);
    }

    #[test]
    fn conditions_and_filter_all_have_to_fit() {
        let (policy, status) = (json!({"policy_rule_uri": "a:1-b"}), json!({"status": "failed"}));
        let cases = [
            ("{ }", vec![], "{ }"),
            ("{}", vec![policy.clone()], r#"{"policy_rule_uri":"a:1-b"}"#),
            (
                r#"{"identity":"x"}"#,
                vec![policy, status],
                r#"{"$and":[{"policy_rule_uri":"a:1-b"},{"status":"failed"},{"identity":"x"}]}"#,
            ),
        ];
        for (filter, conditions, expected) in cases {
            let filter = RawJson::parse(filter).unwrap();
            assert_eq!(and_filter(filter, conditions).as_str(), expected);
        }
    }
}

//! Lists that come in pages.

use clap::Args;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use writ_model::RawJson;

use crate::client::{Call, Client};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input;
use crate::output::Terminal;

/// Which part of a list is asked for.
#[derive(Clone, Debug, Args)]
pub(crate) struct Paging {
    /// Mongo filter: JSON, a file, or `-`
    #[arg(long, value_name = "JSON")]
    pub(crate) filter: Option<String>,
    /// Order: `name,-version`, or a Mongo sort
    #[arg(long, value_name = "FIELDS", allow_hyphen_values = true)]
    sort: Option<String>,
    /// Objects of one page, at most 1000
    #[arg(long, value_name = "N")]
    limit: Option<u16>,
    /// All pages instead of the first
    #[arg(long)]
    all: bool,
    /// The page that an earlier one named as its next
    #[arg(long, value_name = "TOKEN", conflicts_with = "all")]
    next_token: Option<String>,
}

impl Paging {
    /// The filter, or one that fits everything.
    pub(crate) fn filter(&self) -> Result<RawJson, Failure> {
        Ok(input::optional_json(self.filter.as_deref())?.unwrap_or_else(RawJson::empty_object))
    }

    /// The filter, and what other options ask for besides.
    pub(crate) fn narrowed(&self, conditions: Vec<Value>) -> Result<RawJson, Failure> {
        self.filter().map(|filter| narrowed(filter, conditions))
    }

    /// Fetches the page, or all of them, and prints it; `columns` makes a table of the items.
    pub(crate) fn list(
        &self,
        client: &Client,
        terminal: Terminal,
        request: &Query<'_>,
        table: impl FnOnce(&[Value]) -> String,
    ) -> Result<(), Failure> {
        let mut items: Vec<Box<RawValue>> = Vec::new();
        let mut next = self.next_token.clone();
        loop {
            let limit = self.limit.map(|limit| limit.to_string());
            let call = Call::post(request.segments, request.filter.as_str())
                .query("limit", limit.as_deref())
                .query("sort", self.sort.as_deref())
                .query("projection", request.projection)
                .query("next_token", next.as_deref());
            let answer = client.send(&call)?;
            items.extend(page(&answer.data)?);
            next = answer.next_token;
            if !self.all || next.is_none() {
                break;
            }
        }
        let texts: Vec<_> = items.iter().map(|item| item.get()).collect();
        terminal.show(&format!("[{}]", texts.join(",")), |value| {
            table(value.as_array().map(Vec::as_slice).unwrap_or_default())
        })?;
        if let Some(token) = next {
            terminal.note(&format!("there is more: `--all`, or `--next-token {token}`"));
        }
        Ok(())
    }
}

/// What is asked of a `/query` route.
pub(crate) struct Query<'a> {
    pub(crate) segments: &'a [&'a str],
    pub(crate) filter: RawJson,
    /// The fields that the table shows; nothing where the data itself is wanted.
    pub(crate) projection: Option<&'a str>,
}

/// Everything has to fit: the conditions and the filter.
pub(crate) fn narrowed(filter: RawJson, mut conditions: Vec<Value>) -> RawJson {
    if conditions.is_empty() {
        return filter;
    }
    let given = filter.value();
    if given != json!({}) {
        conditions.push(given);
    }
    match conditions.as_slice() {
        [one] => RawJson::of(one),
        several => RawJson::of(&json!({"$and": several})),
    }
}

fn page(data: &str) -> Result<Vec<Box<RawValue>>, Failure> {
    serde_json::from_str(data)
        .map_err(|_| Failure::new(Exit::Internal, "the server's page is no list"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_of_a_page_keep_their_bytes() {
        let items = page(r#"[{"a": 1.0}, {"b":1e400}]"#).unwrap();
        assert_eq!(items[0].get(), r#"{"a": 1.0}"#);
        assert_eq!(items[1].get(), r#"{"b":1e400}"#);
        assert_eq!(page("{}").unwrap_err().exit(), Exit::Internal);
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
            assert_eq!(narrowed(filter, conditions).as_str(), expected);
        }
    }
}

//! Renders data as tables.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use serde_json::Value;

/// A cell of a list holds at most this many characters; the rest is in `-o json`.
const CELL_CHARS_MAX: usize = 60;

/// A column: its heading and the member of each object that it prints.
pub(crate) type Column = (&'static str, &'static str);

/// Renders a list of objects, one row for each.
pub(crate) fn rows(columns: &[Column], items: &[Value]) -> String {
    let mut table = plain();
    table.set_header(columns.iter().map(|(heading, _)| *heading));
    for item in items {
        table.add_row(columns.iter().map(|(_, field)| {
            let text = item.get(field).map(cell).unwrap_or_default();
            truncate(text.replace(['\n', '\t'], " "))
        }));
    }
    trimmed(&table)
}

/// Renders one object, one row for each member; text of several lines follows below the table.
pub(crate) fn members(object: &Value) -> String {
    let Value::Object(members) = object else {
        return cell(object);
    };
    let mut table = plain();
    let mut below = String::new();
    for (name, value) in members {
        let text = cell(value);
        if text.contains('\n') {
            below.push_str(&format!("\n{name}:\n{}\n", text.trim_end()));
        } else {
            table.add_row([name.clone(), text]);
        }
    }
    format!("{}{below}", trimmed(&table))
}

fn plain() -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table
}

/// The table without the cells' outer padding.
fn trimmed(table: &Table) -> String {
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.strip_prefix(' ').unwrap_or(&line).trim_end());
        text.push('\n');
    }
    text
}

/// Formats a value: text without quotes, nothing for null, anything else as JSON.
fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn truncate(text: String) -> String {
    if text.chars().count() <= CELL_CHARS_MAX {
        return text;
    }
    text.chars().take(CELL_CHARS_MAX - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_list_has_a_heading_and_a_row_for_each_item() {
        let items = [
            json!({"policy_rule_uri": "ip_allowlist:1.0-beta", "tags": "network", "n": 1}),
            json!({"policy_rule_uri": "a:1-x", "tags": null, "n": {"b": [1.0]}}),
            json!({"policy_rule_uri": "b:1-x", "tags": "two\nlines", "n": "x".repeat(61)}),
        ];
        assert_eq!(
            rows(&[("URI", "policy_rule_uri"), ("TAGS", "tags"), ("N", "n")], &items),
            format!(
                "URI                    TAGS       N\n\
                 ip_allowlist:1.0-beta  network    1\n\
                 a:1-x                             {{\"b\":[1.0]}}\n\
                 b:1-x                  two lines  {}…\n",
                "x".repeat(59)
            )
        );
    }

    #[test]
    fn an_object_shows_its_code_below() {
        let object = json!({"name": "a", "metadata": {"k": 1}, "code": "class P:\n    pass\n"});
        assert_eq!(
            members(&object),
            "name      a\nmetadata  {\"k\":1}\n\ncode:\nclass P:\n    pass\n"
        );
    }

    #[test]
    fn an_empty_list_is_its_heading() {
        assert_eq!(rows(&[("URI", "policy_rule_uri")], &[]), "URI\n");
    }
}

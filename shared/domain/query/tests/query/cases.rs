//! The cases in `tests/cases/query`. Their format is described in the README there.

use std::cmp::Ordering;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use writ_query::{Filter, Projection, QueryError, Sort, Update};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FilterCase {
    name: String,
    filter: Value,
    matches: Vec<Value>,
    rejects: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FilterError {
    name: String,
    filter: Value,
    #[serde(rename = "place", default)]
    location: String,
    error: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UpdateCase {
    name: String,
    update: Value,
    before: Option<Value>,
    after: Option<Value>,
    changed: Option<Vec<String>>,
    #[serde(rename = "place", default)]
    location: String,
    error: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SortCase {
    name: String,
    sort: Option<Value>,
    text: Option<String>,
    sorted: Option<Vec<Value>>,
    #[serde(rename = "place", default)]
    location: String,
    error: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProjectionCase {
    name: String,
    projection: Option<Value>,
    text: Option<String>,
    before: Option<Value>,
    after: Option<Value>,
    #[serde(rename = "place", default)]
    location: String,
    error: Option<Vec<String>>,
}

fn cases<T: for<'de> Deserialize<'de>>(file: &str) -> Vec<T> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/cases/query").join(file);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let cases: Vec<T> =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
    assert!(cases.len() >= 10, "{file} lost its cases");
    cases
}

fn check_error(name: &str, error: &QueryError, location: &str, wanted: &[String]) {
    assert_eq!(error.location(), location, "{name}: {error}");
    for part in wanted {
        assert!(
            error.to_string().contains(part.as_str()),
            "{name}: `{error}` does not say `{part}`"
        );
    }
}

#[test]
fn filters_mean_the_documents_that_their_cases_say() {
    for case in cases::<FilterCase>("filters.json") {
        let filter =
            Filter::parse(&case.filter).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        for document in &case.matches {
            assert!(filter.matches(document), "{}: should match {document}", case.name);
        }
        for document in &case.rejects {
            assert!(!filter.matches(document), "{}: should reject {document}", case.name);
        }
    }
}

#[test]
fn wrong_filters_are_refused_with_location_and_remedy() {
    for case in cases::<FilterError>("filter-errors.json") {
        let error = Filter::parse(&case.filter).expect_err(&case.name);
        check_error(&case.name, &error, &case.location, &case.error);
    }
}

#[test]
fn updates_change_documents_as_their_cases_say() {
    for case in cases::<UpdateCase>("updates.json") {
        let before = case.before.unwrap_or(Value::Object(serde_json::Map::new()));
        let mut document = before.clone();
        let outcome = Update::parse(&case.update).and_then(|update| update.apply(&mut document));
        match (case.after, case.error) {
            (Some(after), None) => {
                let changed = outcome.unwrap_or_else(|error| panic!("{}: {error}", case.name));
                assert_eq!(document.to_string(), after.to_string(), "{}", case.name);
                assert_eq!(Some(changed), case.changed, "{}", case.name);
            }
            (None, Some(wanted)) => {
                check_error(&case.name, &outcome.expect_err(&case.name), &case.location, &wanted);
                assert_eq!(document.to_string(), before.to_string(), "{}", case.name);
            }
            _ => panic!("{}: a case has either `after` or `error`", case.name),
        }
    }
}

#[test]
fn sorts_order_documents_as_their_cases_say() {
    for case in cases::<SortCase>("sorts.json") {
        let sort = match (&case.sort, &case.text) {
            (Some(sort), None) => Sort::parse(sort),
            (None, Some(text)) => text.parse(),
            _ => panic!("{}: a case has either `sort` or `text`", case.name),
        };
        match (case.sorted, case.error) {
            (Some(sorted), None) => {
                let sort = sort.unwrap_or_else(|error| panic!("{}: {error}", case.name));
                for (i, left) in sorted.iter().enumerate() {
                    for (j, right) in sorted.iter().enumerate() {
                        let order = sort.compare(left, right);
                        assert_eq!(order, i.cmp(&j), "{}: {left} with {right}", case.name);
                    }
                }
                assert!(
                    sorted
                        .iter()
                        .all(|document| sort.compare(document, document) == Ordering::Equal)
                );
            }
            (None, Some(wanted)) => {
                check_error(&case.name, &sort.expect_err(&case.name), &case.location, &wanted)
            }
            _ => panic!("{}: a case has either `sorted` or `error`", case.name),
        }
    }
}

#[test]
fn projections_select_as_their_cases_say() {
    for case in cases::<ProjectionCase>("projections.json") {
        let projection = match (&case.projection, &case.text) {
            (Some(projection), None) => Projection::parse(projection),
            (None, Some(text)) => text.parse(),
            _ => panic!("{}: a case has either `projection` or `text`", case.name),
        };
        match (case.before, case.after, case.error) {
            (Some(before), Some(after), None) => {
                let projection =
                    projection.unwrap_or_else(|error| panic!("{}: {error}", case.name));
                assert_eq!(
                    projection.apply(&before).to_string(),
                    after.to_string(),
                    "{}",
                    case.name
                );
            }
            (None, None, Some(wanted)) => {
                check_error(
                    &case.name,
                    &projection.expect_err(&case.name),
                    &case.location,
                    &wanted,
                );
            }
            _ => panic!("{}: a case has either `before` and `after` or `error`", case.name),
        }
    }
}

//! A filter, a document, an update, a sort and a projection, one per line; all are JSON except the
//! sort, which is text as in a URL.

use std::cmp::Ordering;

use serde_json::{Value, json};
use writ_query::{Filter, Index, Plan, Projection, Sort, Update};

const INDEX: Index = Index { name: "by_name", field: "name", complete: true };

/// Holds filters, updates, sorts and projections to their laws.
///
/// # Panics
/// When a promise is broken: the bytes are a finding.
pub fn check(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let mut json = || lines.next().and_then(|line| serde_json::from_slice::<Value>(line).ok());
    let (filter_json, document, update) = (json(), json().unwrap_or_default(), json());
    let sort = lines.next().and_then(|line| std::str::from_utf8(line).ok());
    let sort = sort.and_then(|text| text.parse::<Sort>().ok());
    let projection = lines.next().and_then(|line| serde_json::from_slice::<Value>(line).ok());

    if let Some(filter_json) = filter_json
        && let Ok(filter) = Filter::parse(&filter_json)
    {
        check_filter(&filter_json, &filter, &document, sort.as_ref());
    }
    if let Some(update) = update.and_then(|update| Update::parse(&update).ok()) {
        let mut updated = document.clone();
        let mut again = document.clone();
        let done = update.apply(&mut updated);
        assert_eq!(done.is_ok(), update.apply(&mut again).is_ok(), "an update means one thing");
        if done.is_ok() {
            assert_eq!(updated, again, "an update means one thing");
        }
        if let Some(sort) = &sort {
            let order = sort.compare(&document, &updated);
            assert_eq!(order, sort.compare(&updated, &document).reverse(), "an order has two ends");
            assert_eq!(sort.compare(&updated, &updated), Ordering::Equal);
        }
    }
    if let Some(projection) = projection.and_then(|value| Projection::parse(&value).ok()) {
        let projected = projection.apply(&document);
        assert_eq!(projection.apply(&projected), projected, "what is left stays");
    }
}

/// Checks that `$nor` negates a filter, and that a plan finds the documents that the filter matches.
fn check_filter(filter_json: &Value, filter: &Filter, document: &Value, sort: Option<&Sort>) {
    let matches = filter.matches(document);
    // A filter at the depth limit cannot be nested one level deeper.
    if let Ok(negated) = Filter::parse(&json!({"$nor": [filter_json]})) {
        assert_eq!(negated.matches(document), !matches, "negation");
    }
    let plan = Plan::choose(filter, sort, &[INDEX]);
    let Some(name) = document.get(INDEX.field).and_then(Value::as_str) else { return };
    let read = match plan.index {
        Some(_) => plan.ranges.iter().any(|range| range.contains(name)),
        None => !plan.is_empty(),
    };
    assert!(read || !matches, "a plan misses a document");
    assert!(matches || plan.residual || !read, "a plan adds a document");
}

//! Properties that hold for every filter, plan, sort and update.

use std::cmp::Ordering;

use proptest::prelude::*;
use serde_json::{Value, json};
use writ_query::{Direction, Filter, Index, Plan, Sort, Update};

use crate::documents::{condition, document, filter, indexable, text, update, value};

const INDEXES: [Index; 3] = [
    Index { name: "by_name", field: "name", complete: true },
    Index { name: "by_version", field: "version", complete: true },
    Index { name: "by_tags", field: "tags", complete: false },
];

const SORTS: [&str; 7] = ["", "name", "-name", "version,-name", "tags", "a,-b", "-a.b"];

fn parse(filter: &Value) -> Filter {
    Filter::parse(filter).unwrap()
}

/// Executes a plan like a store: reads the index in the order of its keys, then applies the filter.
fn execute<'d>(plan: &Plan, filter: &Filter, documents: &'d [Value]) -> Vec<&'d Value> {
    let mut entries: Vec<&Value> = documents.iter().collect();
    if let Some(index) = plan.index {
        entries.retain(|document| document[index.field].is_string());
        entries.sort_by_key(|document| document[index.field].as_str().unwrap().as_bytes().to_vec());
    }
    let mut read: Vec<&Value> = Vec::new();
    for range in &plan.ranges {
        read.extend(entries.iter().filter(|document| match plan.index {
            Some(index) => range.contains(document[index.field].as_str().unwrap()),
            None => true,
        }));
    }
    if plan.direction == Direction::Descending {
        read.reverse();
    }
    read.retain(|document| !plan.residual || filter.matches(document));
    read
}

fn texts(documents: &[&Value]) -> Vec<String> {
    let mut texts: Vec<String> = documents.iter().map(|document| document.to_string()).collect();
    texts.sort();
    texts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_filter_and_its_double_negation_agree(filter in filter(), document in document()) {
        let plain = parse(&filter).matches(&document);
        let negated = parse(&json!({"$nor": [filter]}));
        prop_assert_eq!(negated.matches(&document), !plain);
        let doubled = parse(&json!({"$nor": [{"$nor": [filter]}]}));
        prop_assert_eq!(doubled.matches(&document), plain);
    }

    #[test]
    fn a_condition_and_its_double_not_agree(condition in condition(), value in value()) {
        let document = json!({"a": value});
        let plain = parse(&json!({"a": condition})).matches(&document);
        prop_assert_eq!(parse(&json!({"a": {"$not": condition}})).matches(&document), !plain);
        prop_assert_eq!(parse(&json!({"a": {"$not": {"$not": condition}}})).matches(&document), plain);
    }

    #[test]
    fn in_is_the_disjunction_of_equalities(values in proptest::collection::vec(value(), 1..4), document in document()) {
        for path in ["a", "a.b", "b.0", "name"] {
            let equalities: Vec<Value> = values.iter().map(|value| json!({path: {"$eq": value}})).collect();
            let any = parse(&json!({"$or": equalities})).matches(&document);
            prop_assert_eq!(parse(&json!({path: {"$in": values}})).matches(&document), any);
            prop_assert_eq!(parse(&json!({path: {"$nin": values}})).matches(&document), !any);
        }
    }

    #[test]
    fn a_plan_finds_what_the_filter_means(
        filter in prop_oneof![filter(), indexable()],
        documents in proptest::collection::vec(document(), 0..12),
        sort in proptest::sample::select(SORTS.to_vec()),
    ) {
        let filter = parse(&filter);
        let sort: Sort = sort.parse().unwrap();
        let plan = Plan::choose(&filter, Some(&sort), &INDEXES);
        let found = execute(&plan, &filter, &documents);
        let wanted: Vec<&Value> = documents.iter().filter(|document| filter.matches(document)).collect();
        prop_assert_eq!(texts(&found), texts(&wanted), "{:?}", plan);
        if plan.sorted {
            prop_assert!(found.is_sorted_by(|left, right| sort.compare(left, right) != Ordering::Greater), "{:?}", plan);
        }
    }

    #[test]
    fn planned_ranges_are_ascending_and_disjoint(filter in prop_oneof![filter(), indexable()], key in text()) {
        let plan = Plan::choose(&parse(&filter), None, &INDEXES);
        prop_assert!(plan.ranges.iter().filter(|range| range.contains(&key)).count() <= 1, "{:?}", plan);
    }

    #[test]
    fn a_sort_is_a_total_order(
        documents in proptest::array::uniform3(document()),
        sort in proptest::sample::select(SORTS.to_vec()),
    ) {
        let sort: Sort = sort.parse().unwrap();
        let [a, b, c] = &documents;
        prop_assert_eq!(sort.compare(a, a), Ordering::Equal);
        prop_assert_eq!(sort.compare(a, b), sort.compare(b, a).reverse());
        if sort.compare(a, b) != Ordering::Greater && sort.compare(b, c) != Ordering::Greater {
            prop_assert_ne!(sort.compare(a, c), Ordering::Greater);
        }
        if sort.compare(a, b) == Ordering::Equal {
            prop_assert_eq!(sort.compare(a, c), sort.compare(b, c));
        }
    }

    #[test]
    fn an_update_applies_wholly_or_not_at_all(update in update(), document in document()) {
        let Ok(update) = Update::parse(&update) else { return Ok(()) };
        let mut after = document.clone();
        match update.apply(&mut after) {
            Err(_) => prop_assert_eq!(after.to_string(), document.to_string()),
            Ok(changed) => {
                let before = document.as_object().unwrap();
                let after = after.as_object().unwrap();
                for field in before.keys().chain(after.keys()) {
                    let differs = before.get(field).map(Value::to_string) != after.get(field).map(Value::to_string);
                    prop_assert_eq!(differs, changed.contains(field), "{}", field);
                    prop_assert!(!differs || update.fields().any(|named| named == field), "{}", field);
                }
            }
        }
    }
}

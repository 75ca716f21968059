use std::ops::Bound::{self, Excluded, Included, Unbounded};

use serde_json::{Value, json};

use super::*;

const NAME: Index = Index { name: "by_name", field: "name", complete: true };
const VERSION: Index = Index { name: "by_version", field: "version", complete: true };
const TAGS: Index = Index { name: "by_tags", field: "tags", complete: false };

fn plan(filter: Value, sort: &str) -> Plan {
    let filter = Filter::parse(&filter).unwrap();
    Plan::choose(&filter, Some(&sort.parse().unwrap()), &[NAME, VERSION, TAGS])
}

fn range(lower: Bound<&str>, upper: Bound<&str>) -> Range {
    Range { lower: lower.map(str::to_owned), upper: upper.map(str::to_owned) }
}

#[test]
fn the_most_selective_index_is_chosen() {
    for (filter, index, ranges, residual) in [
        (json!({"name": "a"}), NAME, vec![Range::point("a")], false),
        (
            json!({"name": {"$in": ["b", "a", "b"]}}),
            NAME,
            vec![Range::point("a"), Range::point("b")],
            false,
        ),
        (
            json!({"name": {"$gt": "a", "$lte": "b"}}),
            NAME,
            vec![range(Excluded("a"), Included("b"))],
            false,
        ),
        (json!({"name": {"$gte": "a"}}), NAME, vec![range(Included("a"), Unbounded)], false),
        (
            json!({"name": {"$regex": "^ra"}}),
            NAME,
            vec![range(Included("ra"), Excluded("rb"))],
            false,
        ),
        (
            json!({"name": {"$regex": "^ra.e"}}),
            NAME,
            vec![range(Included("ra"), Excluded("rb"))],
            true,
        ),
        (json!({"name": {"$regex": "^ra$"}}), NAME, vec![Range::point("ra")], false),
        (json!({"name": {"$gt": "a"}, "version": "1"}), VERSION, vec![Range::point("1")], true),
        (
            json!({"name": {"$gt": "a", "$lt": "z"}, "tags": {"$regex": "^x"}}),
            TAGS,
            vec![Range::prefix("x")],
            true,
        ),
        (json!({"version": {"$in": ["1", "2"]}, "name": "a"}), NAME, vec![Range::point("a")], true),
        (
            json!({"$and": [{"name": {"$gt": "a"}}, {"name": {"$lt": "c"}}]}),
            NAME,
            vec![range(Excluded("a"), Excluded("c"))],
            false,
        ),
        (
            json!({"$or": [{"name": "a"}, {"name": {"$gt": "x"}}]}),
            NAME,
            vec![Range::point("a"), range(Excluded("x"), Unbounded)],
            false,
        ),
        (json!({"name": "a", "code": {"$exists": true}}), NAME, vec![Range::point("a")], true),
    ] {
        let plan = plan(filter.clone(), "");
        assert_eq!(
            (plan.index, plan.ranges, plan.residual),
            (Some(index), ranges, residual),
            "{filter}"
        );
        assert!(plan.sorted);
    }
}

#[test]
fn what_no_index_serves_is_a_scan() {
    for filter in [
        json!({"code": "x"}),
        json!({"name": 5}),
        json!({"name": null}),
        json!({"name": {"$in": ["a", null]}}),
        json!({"name": {"$ne": "a"}}),
        json!({"name": {"$not": {"$gt": "a"}}}),
        json!({"name": {"$regex": "rate"}}),
        json!({"name": {"$regex": "^rate", "$options": "i"}}),
        json!({"name.first": "a"}),
        json!({"$or": [{"name": "a"}, {"code": "x"}]}),
        json!({"$nor": [{"name": "a"}]}),
    ] {
        let plan = plan(filter.clone(), "");
        assert!(plan.is_scan() && plan.residual && plan.index.is_none(), "{filter}: {plan:?}");
    }
    assert!(!plan(json!({}), "").residual);
}

#[test]
fn an_impossible_filter_reads_nothing() {
    for filter in [
        json!({"name": {"$in": []}}),
        json!({"code": {"$in": []}}),
        json!({"code": {"$all": []}}),
        json!({"name": {"$gt": "b", "$lt": "a"}}),
        json!({"name": {"$gt": "a", "$lte": "a"}}),
        json!({"name": {"$lt": ""}}),
        json!({"name": "a", "version": {"$eq": "1", "$gt": "1"}}),
        json!({"$and": [{"name": "a"}, {"name": "b"}]}),
        json!({"$or": [{"x": {"$in": []}}, {"name": {"$in": []}}]}),
        json!({"$nor": [{}]}),
    ] {
        assert!(plan(filter.clone(), "name").is_empty(), "{filter}");
    }
    // One element can be above and another one below.
    assert!(!plan(json!({"code": {"$gt": 2, "$lt": 1}}), "").is_empty());
}

#[test]
fn an_index_gives_the_order_where_it_can() {
    let scan_of_names = Some(NAME);
    for (filter, sort, index, direction, sorted) in [
        (json!({}), "name", scan_of_names, Direction::Ascending, true),
        (json!({}), "-name", scan_of_names, Direction::Descending, true),
        (json!({}), "", None, Direction::Ascending, true),
        (json!({}), "code", None, Direction::Ascending, false),
        (json!({}), "name,version", None, Direction::Ascending, false),
        // Documents without tags are not in the index.
        (json!({}), "tags", None, Direction::Ascending, false),
        (json!({"tags": {"$gt": "a"}}), "-tags", Some(TAGS), Direction::Descending, true),
        (json!({"name": "a"}), "name", Some(NAME), Direction::Ascending, true),
        (json!({"name": "a"}), "version", Some(NAME), Direction::Ascending, false),
        (
            json!({"name": "a", "version": {"$gt": "1"}}),
            "name,-version",
            Some(NAME),
            Direction::Ascending,
            false,
        ),
        (
            json!({"name": {"$gt": "a"}, "version": {"$gt": "1"}}),
            "-version",
            Some(VERSION),
            Direction::Descending,
            true,
        ),
        (
            json!({"name": "a", "version": "1"}),
            "version,name",
            Some(NAME),
            Direction::Ascending,
            true,
        ),
        (json!({"name": {"$in": ["a", "b"]}}), "-name", Some(NAME), Direction::Descending, true),
    ] {
        let plan = plan(filter.clone(), sort);
        assert_eq!(
            (plan.index, plan.direction, plan.sorted),
            (index, direction, sorted),
            "{filter} by `{sort}`"
        );
    }
}

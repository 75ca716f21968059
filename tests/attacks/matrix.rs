//! Completeness: every kind of attack is tried on every language, or there is a reason why not.

use std::collections::BTreeSet;

use libtest_mimic::Trial;
use writ_tests::attacks::{Battery, batteries, kinds};

use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("every_language_faces_every_kind_of_attack_or_says_why_not", complete),
        trial("every_case_says_how_it_ends", endings),
        trial("every_language_is_attacked", languages),
    ]
}

fn complete() {
    let kinds: Vec<String> = kinds().into_iter().map(|kind| kind.kind).collect();
    for Battery { language, cannot, cases, .. } in batteries() {
        for kind in &kinds {
            let is_tried = cases.iter().any(|case| case.kind == *kind);
            let reason = cannot.get(kind);
            assert!(is_tried != reason.is_some(), "{language}, {kind}: a case, or a reason");
            assert!(reason.is_none_or(|reason| reason.len() > 10), "{language}, {kind}: why?");
        }
        let named = cases.iter().map(|case| &case.kind).chain(cannot.keys());
        let unknown: Vec<&String> = named.filter(|kind| !kinds.contains(kind)).collect();
        assert!(unknown.is_empty(), "{language}: {unknown:?} are not in kinds.yaml");
    }
}

fn endings() {
    const FAILURES: [&str; 8] = [
        "compile",
        "raised",
        "not_json",
        "timed_out",
        "out_of_memory",
        "too_deep",
        "output_too_large",
        "crashed",
    ];
    for Battery { language, cases, .. } in batteries() {
        assert!(cases.iter().any(|case| case.worst), "{language}: what is the benchmark to run?");
        let mut names = BTreeSet::new();
        for case in cases {
            let name = &case.name;
            assert!(names.insert(name.clone()), "{language}: two are called `{name}`");
            assert!(!case.expect.is_empty() || case.answer.is_some(), "{language}, {name}");
            for expected in &case.expect {
                assert!(FAILURES.contains(&expected.as_str()), "{language}, {name}: {expected}");
            }
            let needs_next = case.kind == "poisoned worker";
            assert!(!needs_next || case.then.is_some(), "{language}, {name}: and `then`?");
            let needs_tenant = case.kind == "another tenant";
            assert!(!needs_tenant || case.tenant.is_some(), "{language}, {name}: whose secret?");
        }
    }
}

fn languages() {
    let attacked: Vec<_> = batteries().iter().map(|battery| battery.language).collect();
    assert_eq!(attacked, writ_model::Language::ALL);
}

//! Sources that are checked in a worker, and their diagnostics.

use libtest_mimic::Trial;
use writ_engine::{Failure, Source};
use writ_model::{Digest, Language, RawJson};

use crate::policies::{self, engine, source};
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("a_syntax_error_has_its_location", syntax_error)]
}

fn syntax_error() {
    let engine = engine();
    let sources = [
        (policies::python("", "return (1,"), 1),
        (source(Language::Rego, "package p\n\nout := {\n"), 3),
    ];
    for (source, line_min) in sources {
        let Failure::Compile(diagnostics) = engine.check("a", &source, &[]).unwrap_err() else {
            panic!("not a compile error");
        };
        assert!(diagnostics[0].line >= Some(line_min), "{diagnostics:?}");
        assert!(diagnostics[0].column.is_some(), "{diagnostics:?}");
        // A run of it fails with the same diagnostics.
        let failure = policies::run(&engine, &source, "{}").unwrap_err();
        assert_eq!(failure, Failure::Compile(diagnostics));
    }
    let good = Source { functionality_data: None, ..policies::echo(Language::Python) };
    assert!(engine.check("a", &good, &[]).unwrap().warnings.is_empty());
    let other = Source { digest: Digest::of(b"rego"), ..policies::echo(Language::Rego) };
    assert!(engine.check("a", &other, &[]).is_ok());
    let wrong_query = RawJson::parse(r#"{"query":7}"#).unwrap();
    let other = Source { functionality_data: Some(wrong_query), ..other };
    assert!(matches!(engine.check("a", &other, &[]).unwrap_err(), Failure::Compile(_)));
}

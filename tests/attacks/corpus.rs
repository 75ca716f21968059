//! The corpora of the fuzz targets, run through the same checks as in `fuzz/`, as regression tests.

use std::path::Path;

use libtest_mimic::Trial;
use writ_fuzz_checks::{protocol, query, schema, source};
use writ_model::Language;

use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial("the_corpus_of_the_protocol_holds", || replay("protocol", protocol::check)),
        trial("the_corpus_of_queries_holds", || replay("query", query::check)),
        trial("the_corpus_of_schemas_holds", || replay("schema", schema::check)),
    ];
    for language in Language::ALL {
        let name = format!("the_corpus_of_{language}_sources_holds");
        let check = move |data: &[u8]| source::check(language, data);
        trials.push(trial(&name, move || replay(language.name(), check)));
    }
    trials
}

fn replay(target: &str, check: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut files: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 4, "{} is no corpus", folder.display());
    for file in files {
        // The last printed file is the one that fails, also if the process aborts.
        println!("{}", file.display());
        check(&std::fs::read(&file).unwrap());
    }
}

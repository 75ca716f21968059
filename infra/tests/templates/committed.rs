//! What is committed is what is made.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use crate::template::root;

/// Stacks that there is one of, written by hand.
const BY_HAND: [&str; 4] = [
    "infra/stacks/api.yaml",
    "infra/stacks/authorizer.yaml",
    "infra/stacks/queues.yaml",
    "infra/stacks/upkeep.yaml",
];

#[test]
fn what_is_committed_follows_from_the_route_table() {
    for document in writ_infra::documents(&root()).unwrap() {
        let committed = fs::read_to_string(root().join(&document.path)).unwrap_or_default();
        assert!(
            committed == document.text,
            "`{}` is not what is made now; run `cargo run --bin writ-infra` and look at the difference",
            document.path.display()
        );
    }
}

#[test]
fn nothing_is_left_of_a_route_or_a_resource_that_is_gone() {
    let made = writ_infra::documents(&root()).unwrap().into_iter().map(|document| document.path);
    let known: BTreeSet<PathBuf> = made.chain(BY_HAND.map(PathBuf::from)).collect();
    for directory in ["infra/stacks", "localstack/events"] {
        for entry in fs::read_dir(root().join(directory)).unwrap() {
            let path = PathBuf::from(directory).join(entry.unwrap().file_name());
            assert!(known.contains(&path), "`{}` belongs to nothing", path.display());
        }
    }
}

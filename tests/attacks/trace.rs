//! Tests that a hostile run leaves nothing behind for the next caller of the same policy or for
//! another workspace.

use libtest_mimic::Trial;
use writ_engine::{Call, Engine, EngineConfig};
use writ_model::{Language, RawJson};
use writ_tests::attacks::{Case, batteries};
use writ_tests::procfs;

use crate::battery::run;
use crate::host::host;

use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for battery in batteries() {
        let language = battery.language;
        for case in battery.cases {
            let name = case.name.replace([' ', '`', ','], "_");
            if case.then.is_some() {
                let case = case.clone();
                let name = format!("{language}_{name}_leaves_no_trace");
                trials.push(trial(&name, move || leaves_no_trace(language, &case)));
            }
            if case.tenant.is_some() {
                let name = format!("{language}_{name}_finds_no_secret");
                trials.push(trial(&name, move || finds_no_secret(language, &case)));
            }
        }
        let name = format!("{language}_workers_never_pass_from_one_workspace_to_another");
        trials.push(trial(&name, move || own_workers(language)));
    }
    trials
}

/// An honest run after hostile ones answers byte for byte what it answers in an engine that was
/// never attacked.
fn leaves_no_trace(language: Language, case: &Case) {
    let (source, hostile, budget) = (case.source(language), case.call(), case.budget());
    let honest = with_input(&hostile, case.then.as_deref().unwrap());
    let untouched = Engine::start(EngineConfig::default()).unwrap();
    let ample_budget = crate::host::ample_budget();
    let wanted = untouched.run("victim", &source, &honest, &ample_budget).unwrap();
    drop(untouched);
    for round in 0..3 {
        // The result does not matter.
        let _ = run("victim", &source, &hostile, &budget);
        let found = run("victim", &source, &honest, &ample_budget).0.unwrap();
        assert_eq!(found.output, wanted.output, "round {round}");
        assert_eq!(found.printed, wanted.printed, "round {round}");
        assert_eq!(found.context, wanted.context, "round {round}");
    }
    host().assert_whole();
}

/// Another workspace has just run the same policy with a secret.
fn finds_no_secret(language: Language, case: &Case) {
    const SECRET: &str = "a-tenants-secret";
    let (source, attack, budget) = (case.source(language), case.call(), case.budget());
    let secret = with_input(&attack, case.tenant.as_deref().unwrap());
    assert!(format!("{secret:?}").contains(SECRET), "the tenant has no secret");
    for _ in 0..2 {
        let _ = run("tenant", &source, &secret, &budget);
        let found = run("spy", &source, &attack, &budget).0;
        assert!(!format!("{found:?}").contains(SECRET), "{found:?}");
    }
}

fn own_workers(language: Language) {
    let host = host();
    let battery = batteries().into_iter().find(|battery| battery.language == language).unwrap();
    let (source, call) = (battery.canary.source(language), battery.canary.call());
    let engine = Engine::start(EngineConfig { spares: false, ..EngineConfig::default() }).unwrap();
    let before = procfs::workers();
    let mut workers = Vec::new();
    for workspace in ["ours", "theirs", "ours", "theirs"] {
        engine.run(workspace, &source, &call, &crate::host::ample_budget()).unwrap();
        let found = procfs::workers();
        workers.push(found.difference(&before).count());
    }
    // Each workspace has a worker and keeps it.
    assert_eq!(workers, [1, 2, 2, 2]);
    assert_eq!((engine.stats().starts, engine.stats().reuses), (2, 2));
    drop(engine);
    host.assert_whole();
}

fn with_input(call: &Call, input: &str) -> Call {
    let input_data = RawJson::parse(input).unwrap();
    Call { method: writ_engine::Method::Eval { input_data }, ..call.clone() }
}

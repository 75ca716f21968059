//! Tests that no run sees another one, of the same policy or of another workspace.

use libtest_mimic::Trial;
use writ_engine::{Call, Source};
use writ_model::Language;
use writ_tests::procfs;

use crate::policies::{WORKSPACE, ample_budget, call, constant_policy, echo, engine, python, run};

use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    let leaks = [
        ("globals", python("seen = []", "seen.append(1)\nreturn len(seen)")),
        ("rebound_globals", python("count = 0", "global count\ncount += 1\nreturn count")),
        (
            "class_attributes",
            python("class Memory:\n    seen = 0", "Memory.seen += 1\nreturn Memory.seen"),
        ),
        (
            "attributes_of_its_own_class",
            python("", "cls = type(self)\ncls.seen = getattr(cls, 'seen', 0) + 1\nreturn cls.seen"),
        ),
        (
            "default_arguments",
            python("def add(to=[]):\n    to.append(1)\n    return len(to)", "return add()"),
        ),
        ("self", python("", "self.n = getattr(self, 'n', 0) + 1\nreturn self.n")),
        (
            "the_json_module",
            python(
                "import json",
                "first = not hasattr(json, 'seen')\njson.seen = 1\nreturn 1 if first else 2",
            ),
        ),
        (
            "a_patched_function_of_the_library",
            python(
                "import json\nreal = json.dumps",
                "first = json.dumps(1) == '1'\njson.dumps = lambda value: 'stolen'\nreturn 1 if first else 2",
            ),
        ),
        (
            "a_class_of_the_library",
            python(
                "import json",
                "cls = json.JSONEncoder\ncls.seen = getattr(cls, 'seen', 0) + 1\nreturn cls.seen",
            ),
        ),
        (
            "an_object_that_an_unbound_method_writes",
            python(
                "import json, collections",
                "seen = 'x' in json.__dict__\ncollections.ChainMap.__setitem__(\n    \
                 type('M', (), {'maps': [json.__dict__]})(), 'x', 1)\nreturn 2 if seen else 1",
            ),
        ),
        (
            "what_a_comparison_of_a_mapping_proxy_hands_out",
            python(
                "import ipaddress\nclass Thief:\n    def __eq__(self, other):\n        self.got = other\n        return True",
                "thief = Thief()\nvars(ipaddress.IPv4Network) == thief\nfirst = 'x' not in thief.got\n\
                 thief.got['x'] = 1\nthief.got['__contains__'] = lambda self, other: True\nreturn 1 if first else 2",
            ),
        ),
        (
            "a_memo_of_deepcopy",
            python(
                "import copy\nclass Memo(dict):\n    kept = copy.deepcopy.__defaults__\n    \
                 def get(self, key, default=None):\n        Memo.default = default\n        return default",
                "memo = Memo()\ncopy.deepcopy([1], memo)\nsetattr(copy, 'seen', getattr(copy, 'seen', 0) + 1)\nreturn getattr(copy, 'seen')",
            ),
        ),
        (
            "an_abstract_class",
            python(
                "from abc import ABCMeta\nfrom collections.abc import Sized",
                "first = not isinstance(1, Sized)\nABCMeta.register(Sized, int)\nreturn 1 if first else 2",
            ),
        ),
    ];
    let mut trials: Vec<Trial> = leaks
        .into_iter()
        .map(|(what, source)| {
            let name = format!("a_run_sees_nothing_that_an_earlier_one_left_in_{what}");
            trial(&name, move || every_run_is_the_first(&source))
        })
        .collect();
    trials.push(trial("two_workspaces_never_share_a_worker", two_workspaces));
    trials.push(trial("two_policies_with_equal_code_never_share_a_worker", two_policies));
    trials.push(trial("two_sources_never_share_a_worker", two_sources));
    trials.push(trial("equal_calls_have_equal_outcomes", equal_calls));
    trials
}

/// Each policy counts the traces of earlier runs, including its own one.
fn every_run_is_the_first(source: &Source) {
    let engine = engine();
    for _ in 0..4 {
        assert_eq!(run(&engine, source, "{}").unwrap().output.as_str(), "1");
    }
    assert_eq!((engine.stats().starts, engine.stats().reuses), (1, 3));
}

fn two_workspaces() {
    let engine = engine();
    let source = echo(Language::Rego);
    let in_workspace = |workspace| {
        let before = engine.stats().reuses;
        engine.run(workspace, &source, &call("1"), &ample_budget()).unwrap();
        engine.stats().reuses - before
    };
    assert_eq!(in_workspace("ours"), 0);
    let ours = procfs::workers();
    assert_eq!(in_workspace("theirs"), 0);
    let both = procfs::workers();
    assert_eq!(both.len(), ours.len() + 1, "{ours:?} {both:?}");
    assert_eq!(in_workspace("ours"), 1);
    assert_eq!(in_workspace("theirs"), 1);
    assert_eq!(procfs::workers(), both);
}

fn two_policies() {
    for language in Language::ALL {
        let engine = engine();
        let (source, input, _) = constant_policy(language);
        let of_policy = |rule_id: &str| {
            let reuses = engine.stats().reuses;
            let call = Call { rule_id: rule_id.to_owned(), ..call(input) };
            engine.run(WORKSPACE, &source, &call, &ample_budget()).unwrap();
            engine.stats().reuses - reuses
        };
        assert_eq!(of_policy("first"), 0, "{language}");
        assert_eq!(of_policy("second"), 0, "{language}");
    }
    let engine = engine();
    for rule_id in ["first", "second", "first", "second"] {
        let call = Call { rule_id: rule_id.to_owned(), ..call("1") };
        engine.run(WORKSPACE, &echo(Language::Rego), &call, &ample_budget()).unwrap();
    }
    // Each policy keeps its own worker.
    assert_eq!((engine.stats().starts, engine.stats().reuses), (2, 2));
}

fn two_sources() {
    let engine = engine();
    let first = echo(Language::Rego);
    let second = crate::policies::source(Language::Rego, "package p\nout := [input]\n");
    assert_eq!(run(&engine, &first, "1").unwrap().output.as_str(), "1");
    assert_eq!(run(&engine, &second, "1").unwrap().output.as_str(), "[1]");
    assert_eq!(engine.stats().reuses, 0);
    assert_eq!(engine.stats().starts, 2);
}

fn equal_calls() {
    let source = python(
        "import random\nimport datetime",
        "return [random.random(), str(datetime.datetime.now()), hash('x'), list({'b', 'a', 'c'})]",
    );
    // Two engines, so that neither a process nor its memory layout is shared.
    let first = run(&engine(), &source, "{}").unwrap();
    let engine = engine();
    for _ in 0..2 {
        assert_eq!(run(&engine, &source, "{}").unwrap().output, first.output);
    }
}

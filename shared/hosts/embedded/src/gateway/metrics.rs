//! Metrics for Prometheus (its text exposition format, 0.0.4). They are counts alone and hold no
//! data of a workspace, so every authenticated caller may read them.

use std::fmt::Write as _;

use writ_edge::Reply;
use writ_ports::{Backlog, EngineUsage};

/// The media type of the format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) fn page(engines: EngineUsage, signals: Backlog) -> Reply {
    #[expect(clippy::cast_precision_loss, reason = "exact for 285 years of waiting")]
    let waited_s = engines.waited_us as f64 / 1e6;
    let counters: [(&str, &str, &dyn std::fmt::Display); 4] = [
        ("writ_engine_wait_seconds_total", "Time that callers have waited for engines.", &waited_s),
        (
            "writ_engine_compile_hits_total",
            "Runs whose code was compiled already, in a warm worker.",
            &engines.hits,
        ),
        (
            "writ_engine_compile_misses_total",
            "Times that code was compiled, in a new worker.",
            &engines.misses,
        ),
        (
            "writ_engine_workers_killed_total",
            "Workers that exceeded a budget, died, or were killed with a cancelled run.",
            &engines.kills,
        ),
    ];
    let mut body = String::new();
    for (name, help, value) in counters {
        // Writing to a string does not fail.
        let _ = write!(body, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {value}\n");
    }
    for (name, help, value) in [
        (
            "writ_job_hints",
            "Job signals that wait for a runner or for their time.",
            signals.waiting,
        ),
        ("writ_job_dead_letters", "Job signals whose processing failed too often.", signals.dead),
    ] {
        let _ = write!(body, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}\n");
    }
    Reply { content_type: TEXT, body, ..Reply::data("null") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_metric_says_what_it_counts() {
        let used = EngineUsage { waited_us: 1_500_000, hits: 3, misses: 2, kills: 1 };
        let page = page(used, Backlog { waiting: 7, dead: 5 }).body;
        for line in [
            "writ_engine_wait_seconds_total 1.5\n",
            "# TYPE writ_engine_compile_hits_total counter\nwrit_engine_compile_hits_total 3\n",
            "writ_engine_compile_misses_total 2\n",
            "writ_engine_workers_killed_total 1\n",
            "# TYPE writ_job_hints gauge\nwrit_job_hints 7\n",
            "writ_job_dead_letters 5\n",
        ] {
            assert!(page.contains(line), "{page}");
        }
    }
}

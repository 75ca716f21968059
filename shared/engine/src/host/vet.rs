//! What a worker says is checked before anybody believes it.

use writ_model::RawJson;

use crate::{Budget, Failure, Outcome};

/// As deep as a `RawJson` may be nested, so that everybody can parse it later.
const DEPTH_MAX: usize = 127;

/// An outcome that keeps to its budget and is JSON that can be read again.
pub(super) fn outcome(mut outcome: Outcome, budget: &Budget) -> Result<Outcome, Failure> {
    let output = outcome.output.as_str();
    if output.len() > budget.output_bytes_max {
        return Err(Failure::OutputTooLarge { budget_bytes: budget.output_bytes_max });
    }
    if !is_plain(output)
        && let Err(error) = RawJson::parse(output)
    {
        return Err(Failure::NotJson { what: format!("a value that no parser accepts: {error}") });
    }
    let end = outcome.printed.floor_char_boundary(budget.output_bytes_max);
    outcome.printed.truncate(end);
    Ok(outcome)
}

/// A failure that a worker may report about its own run. What only the platform can know, a
/// worker does not get to say.
pub(super) fn failure(failure: Failure, budget: &Budget) -> Failure {
    match failure {
        Failure::TimedOut { .. }
        | Failure::Crashed { .. }
        | Failure::WorkerLost { .. }
        | Failure::Busy { .. }
        | Failure::Compile(_) => Failure::Crashed { signal: "an answer out of place".to_owned() },
        Failure::OutOfMemory { .. } => {
            Failure::OutOfMemory { budget_bytes: budget.memory_bytes_max }
        }
        Failure::TooDeep { .. } => Failure::TooDeep { budget_depth: budget.depth_max },
        Failure::OutputTooLarge { .. } => {
            Failure::OutputTooLarge { budget_bytes: budget.output_bytes_max }
        }
        Failure::Raised { .. } | Failure::NotJson { .. } => failure,
    }
}

/// Whether well-formed JSON is certain to parse into a value: not too deep, and without escapes
/// that might be half a character. One pass, since it is on the way of every run.
fn is_plain(json: &str) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in json.bytes() {
        if in_string {
            match byte {
                b'u' if escaped => return false,
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn returned(json: &str) -> Outcome {
        // As a worker's answer is read: without a look at the depth.
        let output = serde_json::from_str(json).unwrap();
        Outcome { output, printed: "grün".to_owned(), context: None, coverage: None, engine_us: 0 }
    }

    #[test]
    fn outputs_that_cannot_be_read_again_are_refused() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let cases = [
            (r#"{"a":[1,"]]]"],"b":"\\\"["}"#, true),
            (r#""\u00e9 \ud83d\ude00""#, true),
            (r#""\ud800""#, false),
            (deep.as_str(), false),
        ];
        for (json, good) in cases {
            let vetted = outcome(returned(json), &Budget::default());
            assert_eq!(vetted.is_ok(), good, "{json:.20}: {vetted:?}");
        }
    }

    #[test]
    fn a_liar_about_sizes_is_cut() {
        let budget = Budget { output_bytes_max: 3, ..Budget::default() };
        assert_eq!(outcome(returned("1"), &budget).unwrap().printed, "gr");
        let refused = outcome(returned("1234"), &budget).unwrap_err();
        assert_eq!(refused, Failure::OutputTooLarge { budget_bytes: 3 });
    }

    #[test]
    fn a_worker_cannot_speak_for_the_platform() {
        let claims = [
            Failure::WorkerLost { reason: "not my doing".to_owned() },
            Failure::Busy { waited_ms: 1 },
            Failure::TimedOut { budget_ms: 1 },
        ];
        for claim in claims {
            assert!(matches!(failure(claim, &Budget::default()), Failure::Crashed { .. }));
        }
        let claim = failure(Failure::OutOfMemory { budget_bytes: 1 }, &Budget::default());
        let honest = Failure::OutOfMemory { budget_bytes: Budget::default().memory_bytes_max };
        assert_eq!(claim, honest);
    }
}

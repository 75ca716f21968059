//! Validation of a worker's reply before the platform uses it: a worker is untrusted.

use writ_model::run::Document;
use writ_model::{CONTEXT_BYTES_MAX, ContextChange, RawJson, Violation};
use writ_schema::{SCHEMA_LOCATIONS, TEXT_BYTES_MAX, VIOLATIONS_MAX};

use super::channel::ChannelError;
use crate::{Budget, Call, FailedRun, Failure, Method, Outcome};

/// The deepest nesting that a `RawJson` may have, so that every later reader can parse it.
const DEPTH_MAX: usize = 127;

/// The accepted result of a run. `printed` belongs to a failure; an outcome holds its own.
pub(super) fn result(
    result: Result<Outcome, Failure>,
    mut printed: String,
    call: &Call,
    budget: &Budget,
) -> Result<Outcome, FailedRun> {
    let failure = match result {
        Err(reported) => accept_failure(reported, call, budget),
        Ok(mut outcome) => {
            truncate(&mut outcome.printed, budget);
            match check_outcome(&mut outcome, call, budget) {
                Ok(()) => return Ok(outcome),
                Err(failure) => {
                    printed = outcome.printed;
                    failure
                }
            }
        }
    };
    truncate(&mut printed, budget);
    Err(FailedRun { failure, printed })
}

/// What a worker has printed, as text of at most the budget's output size; invalid UTF-8 becomes
/// `\u{fffd}`.
pub(super) fn printed(mut bytes: Vec<u8>, budget: &Budget) -> String {
    if let Err(error) = std::str::from_utf8(&bytes)
        && error.error_len().is_none()
    {
        // The pipe was full in the middle of the last character.
        bytes.truncate(error.valid_up_to());
    }
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    truncate(&mut text, budget);
    text
}

fn truncate(printed: &mut String, budget: &Budget) {
    let end = printed.floor_char_boundary(budget.output_bytes_max);
    printed.truncate(end);
}

/// Checks an outcome against its budget; its output has to be JSON that can be parsed again.
fn check_outcome(outcome: &mut Outcome, call: &Call, budget: &Budget) -> Result<(), Failure> {
    let output = outcome.output.as_str();
    if output.len() > budget.output_bytes_max {
        return Err(Failure::OutputTooLarge { budget_bytes: budget.output_bytes_max });
    }
    if !is_certain_to_parse(output)
        && let Err(error) = RawJson::parse(output)
    {
        return Err(Failure::NotJson { what: format!("a value that no parser accepts: {error}") });
    }
    // A stateless run has no context to change.
    outcome.context = outcome.context.take().filter(|_| call.context.is_some());
    if let Some(change) = &outcome.context {
        check_context(change)?;
    }
    Ok(())
}

/// Checks that a change of the context is bounded and holds JSON that can be parsed again. Whether
/// the whole context stays within its bound is checked where the whole context is known.
fn check_context(change: &ContextChange) -> Result<(), Failure> {
    let set = change.set.iter().map(|(key, value)| key.len() + value.as_str().len());
    let bytes: usize = set.chain(change.deleted.iter().map(String::len)).sum();
    // What is deleted was in the context, what is set will be.
    if bytes > 2 * CONTEXT_BYTES_MAX {
        return Err(Failure::OutputTooLarge { budget_bytes: CONTEXT_BYTES_MAX });
    }
    for (key, value) in &change.set {
        if let Err(error) = RawJson::parse(value.as_str()) {
            let what = format!("a context whose `{key}` no parser accepts: {error}");
            return Err(Failure::NotJson { what });
        }
    }
    Ok(())
}

/// The failure that a worker may report about its own run. A failure that only the platform can
/// observe is a protocol violation.
fn accept_failure(failure: Failure, call: &Call, budget: &Budget) -> Failure {
    let input = match call.method {
        Method::Eval { .. } => "input_data",
        Method::Management { .. } => "mgmt_data",
    };
    match failure {
        Failure::InvalidInput(violations)
            if are_acceptable(&violations, |subject| [input, "parameters"].contains(&subject)) =>
        {
            Failure::InvalidInput(violations)
        }
        Failure::InvalidOutput(violations)
            if are_acceptable(&violations, |subject| subject == "output") =>
        {
            Failure::InvalidOutput(violations)
        }
        Failure::TimedOut { .. }
        | Failure::Crashed { .. }
        | Failure::WorkerLost { .. }
        | Failure::Busy { .. }
        | Failure::InvalidInput(_)
        | Failure::InvalidOutput(_)
        | Failure::Schema { .. }
        | Failure::Compile(_) => {
            Failure::Crashed { signal: "a failure that only the platform can report".to_owned() }
        }
        Failure::OutOfMemory { .. } => {
            Failure::OutOfMemory { budget_bytes: budget.memory_bytes_max }
        }
        // A language with a fixed bound of its own may allow more calls than the budget; it reports
        // how many.
        Failure::TooDeep { budget_depth } => {
            Failure::TooDeep { budget_depth: budget_depth.max(budget.depth_max) }
        }
        Failure::OutputTooLarge { .. } => {
            Failure::OutputTooLarge { budget_bytes: budget.output_bytes_max }
        }
        Failure::Raised { .. } | Failure::NotJson { .. } => failure,
    }
}

/// The failure that a worker may report about schemas and the values that it has applied them to.
///
/// # Errors
/// Any other failure, and one that is not bounded, is a protocol violation.
pub(super) fn refusal(failure: Failure, documents: &[Document]) -> Result<Failure, ChannelError> {
    let is_known = |subject: &str| documents.iter().any(|document| document.subject == subject);
    let is_acceptable = match &failure {
        Failure::Schema { location, message } => {
            let is_schema = |schema: &&str| location.starts_with(*schema);
            SCHEMA_LOCATIONS.iter().any(is_schema)
                && location.len() <= LOCATION_BYTES_MAX
                && message.len() <= TEXT_BYTES_MAX
        }
        Failure::InvalidInput(violations) => are_acceptable(violations, is_known),
        _ => false,
    };
    match is_acceptable {
        true => Ok(failure),
        false => Err(ChannelError::ProtocolViolation("a refusal that is none".to_owned())),
    }
}

/// The size of the location of a schema's error, in bytes at most: that of its schema, and that in it.
const LOCATION_BYTES_MAX: usize = TEXT_BYTES_MAX + 100;

/// Whether a worker may report these violations: some, not too many, each bounded, and each of a value
/// that it has validated.
fn are_acceptable(violations: &[Violation], is_known: impl Fn(&str) -> bool) -> bool {
    let is_bounded = |one: &Violation| {
        let texts = [&one.path, &one.rule, &one.message];
        texts.into_iter().all(|text| text.len() <= TEXT_BYTES_MAX) && is_known(&one.subject)
    };
    (1..=2 * VIOLATIONS_MAX).contains(&violations.len()) && violations.iter().all(is_bounded)
}

/// Whether well-formed JSON is certain to parse into a value: not too deep, and without escapes
/// that might be a lone surrogate. One pass, since every run goes through it.
fn is_certain_to_parse(json: &str) -> bool {
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

    fn outcome_of(json: &str) -> Outcome {
        // Parsed as a worker's reply is, which does not check the depth.
        let output = serde_json::from_str(json).unwrap();
        Outcome { output, printed: "grün".to_owned(), context: None, coverage: None, engine_us: 0 }
    }

    /// The result of a call with a context if `keeps`, else of a stateless one.
    fn validate(outcome: Outcome, keeps: bool, budget: &Budget) -> Result<Outcome, FailedRun> {
        result(Ok(outcome), "of no failure".to_owned(), &call(keeps), budget)
    }

    fn call(keeps: bool) -> Call {
        Call {
            rule_id: String::new(),
            settings: RawJson::empty_object(),
            parameters: RawJson::empty_object(),
            method: crate::Method::Eval { input_data: RawJson::null() },
            now_ms: 0,
            seed: 0,
            context: keeps.then(RawJson::empty_object),
            coverage: false,
        }
    }

    #[test]
    fn an_unexpected_context_is_dropped_and_an_unreadable_one_is_refused() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        let long = format!("\"{}\"", "x".repeat(2 * CONTEXT_BYTES_MAX));
        for (value, good) in [("1", true), (deep.as_str(), false), (long.as_str(), false)] {
            let mut answer = outcome_of("1");
            let change = format!(r#"{{"set": {{"a": {value}}}}}"#);
            answer.context = serde_json::from_str(&change).unwrap();
            let kept = validate(answer.clone(), true, &Budget::default());
            assert_eq!(kept.is_ok(), good, "{value:.20}");
            let stateless = validate(answer, false, &Budget::default()).unwrap();
            assert_eq!(stateless.context, None);
        }
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
            let result = validate(outcome_of(json), false, &Budget::default());
            assert_eq!(result.is_ok(), good, "{json:.20}: {result:?}");
        }
    }

    #[test]
    fn a_liar_about_sizes_is_cut() {
        let budget = Budget { output_bytes_max: 3, ..Budget::default() };
        assert_eq!(validate(outcome_of("1"), false, &budget).unwrap().printed, "gr");
        let refused = validate(outcome_of("1234"), false, &budget).unwrap_err();
        let failure = Failure::OutputTooLarge { budget_bytes: 3 };
        assert_eq!(refused, FailedRun { failure, printed: "gr".to_owned() });
        let call = call(false);
        let raised = Failure::NotJson { what: "nan".to_owned() };
        let refused = result(Err(raised.clone()), "grün".to_owned(), &call, &budget).unwrap_err();
        assert_eq!(refused, FailedRun { failure: raised, printed: "gr".to_owned() });
    }

    #[test]
    fn what_a_killed_worker_left_behind_is_text_whatever_it_is() {
        let cases: [(&[u8], usize, &str); 6] = [
            (b"", 9, ""),
            ("grün".as_bytes(), 9, "grün"),
            ("grün".as_bytes(), 3, "gr"),
            (b"gr\xc3", 9, "gr"),
            (b"\xff\0a", 9, "\u{fffd}\0a"),
            (b"\xff\0a\xc3", 9, "\u{fffd}\0a\u{fffd}"),
        ];
        for (bytes, output_bytes_max, text) in cases {
            let budget = Budget { output_bytes_max, ..Budget::default() };
            assert_eq!(printed(bytes.to_vec(), &budget), text, "{bytes:?}");
        }
    }

    fn violation(subject: &str) -> Violation {
        Violation {
            subject: subject.to_owned(),
            path: "/a".to_owned(),
            rule: "type".to_owned(),
            message: "the value is no string".to_owned(),
        }
    }

    fn violations(count: usize, subject: &str) -> Vec<Violation> {
        vec![violation(subject); count]
    }

    #[test]
    fn bounded_violations_of_what_the_worker_has_validated_are_accepted() {
        let failures = [
            Failure::InvalidInput(violations(40, "input_data")),
            Failure::InvalidInput(violations(1, "parameters")),
            Failure::InvalidOutput(violations(20, "output")),
        ];
        for failure in failures {
            assert_eq!(accept_failure(failure.clone(), &call(false), &Budget::default()), failure);
        }
    }

    #[test]
    fn a_refusal_is_about_a_schema_or_a_value_that_was_sent_and_bounded() {
        use writ_model::run::DocumentKind;
        let document = Document {
            subject: "inputs".to_owned(),
            kind: DocumentKind::Input,
            value: RawJson::null(),
        };
        let schema = |location: &str, message: &str| Failure::Schema {
            location: location.to_owned(),
            message: message.to_owned(),
        };
        let cases = [
            (schema("/policy_input_schema/a", "no"), true),
            (schema("/elsewhere", "no"), false),
            (schema("/policy_input_schema", &"x".repeat(TEXT_BYTES_MAX + 1)), false),
            (Failure::InvalidInput(violations(1, "inputs")), true),
            (Failure::InvalidInput(violations(1, "parameters")), false),
            (Failure::InvalidInput(Vec::new()), false),
            (Failure::Busy { waited_ms: 1 }, false),
        ];
        for (failure, good) in cases {
            let accepted = refusal(failure.clone(), std::slice::from_ref(&document));
            assert_eq!(accepted.is_ok(), good, "{failure:?}");
        }
    }

    #[test]
    fn a_worker_cannot_speak_for_the_platform() {
        let reports = [
            Failure::WorkerLost { reason: "not my doing".to_owned() },
            Failure::Busy { waited_ms: 1 },
            Failure::TimedOut { budget_ms: 1 },
            Failure::Schema {
                location: "/policy_input_schema".to_owned(),
                message: "x".to_owned(),
            },
            Failure::InvalidInput(violations(1, "output")),
            Failure::InvalidOutput(violations(1, "input_data")),
            Failure::InvalidInput(Vec::new()),
            Failure::InvalidInput(violations(41, "input_data")),
            Failure::InvalidInput(vec![Violation {
                message: "x".repeat(TEXT_BYTES_MAX + 1),
                ..violation("input_data")
            }]),
        ];
        for reported in reports {
            assert!(matches!(
                accept_failure(reported, &call(false), &Budget::default()),
                Failure::Crashed { .. }
            ));
        }
        let reported = accept_failure(
            Failure::OutOfMemory { budget_bytes: 1 },
            &call(false),
            &Budget::default(),
        );
        let honest = Failure::OutOfMemory { budget_bytes: Budget::default().memory_bytes_max };
        assert_eq!(reported, honest);
    }
}

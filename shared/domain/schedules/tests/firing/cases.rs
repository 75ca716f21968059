//! The cases of `cases/*.yaml`. A new case is a new entry there.

use serde::Deserialize;
use writ_model::Timestamp;
use writ_schedules::{Expression, Timing, TimingSpec};

/// The creation time of a schedule, before every case unless the case gives another.
const CREATED_AT: &str = "2000-01-01T00:00:00Z";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fires {
    name: String,
    expression: String,
    timezone: Option<String>,
    created_at: Option<Timestamp>,
    start_at: Option<Timestamp>,
    end_at: Option<Timestamp>,
    after: Option<Timestamp>,
    /// The fires that follow `after`; fewer than three are all there are.
    fires: Vec<Timestamp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Printed {
    expression: String,
    prints: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    expression: String,
    says: String,
}

fn cases<T: serde::de::DeserializeOwned>(text: &str) -> Vec<T> {
    yaml_serde::from_str(text).unwrap()
}

fn check_fires(text: &str) {
    for case in cases::<Fires>(text) {
        let name = &case.name;
        let spec = TimingSpec {
            expression: case.expression,
            timezone: case.timezone,
            start_at: case.start_at,
            end_at: case.end_at,
            flexible_window_minutes: None,
        };
        let created_at = case.created_at.unwrap_or_else(|| CREATED_AT.parse().unwrap());
        let timing =
            Timing::new(&spec, created_at).unwrap_or_else(|error| panic!("{name}: {error}"));
        let after = case.after.unwrap_or(Timestamp::from_ms(i64::MIN));
        // One more than the list, to check that a short one ends.
        let wanted = if case.fires.len() < 3 { case.fires.len() + 1 } else { case.fires.len() };
        let far = Timestamp::from_ms(i64::MAX);
        let fires: Vec<String> =
            timing.fires_between(after, far, wanted).iter().map(ToString::to_string).collect();
        let expected: Vec<String> = case.fires.iter().map(ToString::to_string).collect();
        assert_eq!(fires, expected, "{name}");
    }
}

#[test]
fn calendars() {
    check_fires(include_str!("cases/calendar.yaml"));
}

#[test]
fn clocks_that_change() {
    check_fires(include_str!("cases/clocks.yaml"));
}

#[test]
fn starts_ends_and_rates() {
    check_fires(include_str!("cases/bounds.yaml"));
}

#[test]
fn an_expression_prints_in_the_form_that_the_guide_lists() {
    for case in cases::<Printed>(include_str!("cases/printed.yaml")) {
        let parsed = Expression::parse(&case.expression)
            .unwrap_or_else(|error| panic!("{}: {error}", case.expression));
        assert_eq!(parsed.to_string(), case.prints, "for `{}`", case.expression);
    }
}

#[test]
fn a_wrong_expression_is_refused_with_what_to_write_instead() {
    for case in cases::<Refused>(include_str!("cases/refused.yaml")) {
        let error = match Expression::parse(&case.expression) {
            Ok(parsed) => panic!("`{}` was read as `{parsed}`", case.expression),
            Err(error) => error.to_string(),
        };
        assert_eq!(error, case.says, "for `{}`", case.expression);
    }
}

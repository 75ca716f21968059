//! Error responses of a server: `application/problem+json` (RFC 9457), parsed into the platform's
//! error type.

use serde::Deserialize;
use writ_model::{Diagnostic, Error, ErrorKind, Violation};

/// The URN prefix of every problem's `type`.
const TYPE_PREFIX: &str = "urn:writ:error:";

/// An error response, and the id of the run's record if a run caused it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) error: Error,
    pub(crate) execution_id: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Document {
    r#type: Option<String>,
    title: Option<String>,
    detail: Option<String>,
    message: Option<String>,
    #[serde(rename = "place")]
    location: Option<String>,
    violations: Vec<Violation>,
    diagnostics: Vec<Diagnostic>,
    line: Option<u32>,
    traceback: Option<String>,
    rule: Option<String>,
    retry_after_s: Option<u32>,
    execution_id: Option<String>,
}

impl Problem {
    /// Parses an error response. `None` if it comes neither from Writ nor from a gateway in front
    /// of it.
    pub(crate) fn parse(status: u16, retry_after: Option<u32>, body: &str) -> Option<Self> {
        let document: Document = serde_json::from_str(body).ok()?;
        let kind =
            document.r#type.as_deref().and_then(kind_of_type).or_else(|| kind_of_status(status))?;
        let message = [document.detail, document.message, document.title]
            .into_iter()
            .flatten()
            .find(|text| !text.is_empty())?;
        let mut error = Error::new(kind, message);
        error.location = document.location;
        error.violations = document.violations;
        error.diagnostics = document.diagnostics;
        error.line = document.line;
        error.traceback = document.traceback;
        error.rule = document.rule;
        error.retry_after_s = document.retry_after_s.or(retry_after);
        Some(Self { error, execution_id: document.execution_id })
    }
}

fn kind_of_type(text: &str) -> Option<ErrorKind> {
    let name = text.strip_prefix(TYPE_PREFIX)?;
    ErrorKind::ALL.into_iter().find(|kind| kind.name() == name)
}

/// Maps a status, for responses of API Gateway itself and for kinds that only a newer server has.
fn kind_of_status(status: u16) -> Option<ErrorKind> {
    Some(match status {
        401 => ErrorKind::Unauthenticated,
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        409 => ErrorKind::Conflict,
        412 => ErrorKind::Stale,
        413 => ErrorKind::TooLarge,
        415 => ErrorKind::UnsupportedMediaType,
        422 => ErrorKind::SchemaViolation,
        429 => ErrorKind::Limited,
        502 => ErrorKind::ExecutorFault,
        503 => ErrorKind::Unavailable,
        504 => ErrorKind::TimedOut,
        400..=499 => ErrorKind::InvalidRequest,
        500..=599 => ErrorKind::Internal,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_comes_back_whole() {
        let body = r#"{"type":"urn:writ:error:policy_raised","title":"x","status":422,
            "detail":"the policy raised KeyError: 'ip'","message":"the policy raised KeyError: 'ip'",
            "success":false,"line":9,"traceback":"Traceback","execution_id":"0199"}"#;
        let problem = Problem::parse(422, None, body).unwrap();
        assert_eq!(problem.error.kind, ErrorKind::PolicyRaised);
        assert_eq!(problem.error.message, "the policy raised KeyError: 'ip'");
        assert_eq!(
            (problem.error.line, problem.error.traceback.as_deref()),
            (Some(9), Some("Traceback"))
        );
        assert_eq!(problem.execution_id.as_deref(), Some("0199"));
    }

    #[test]
    fn lists_inside_a_problem_are_read() {
        let body = r#"{"type":"urn:writ:error:schema_violation","detail":"d",
            "violations":[{"subject":"input_data","path":"/ip","rule":"pattern","message":"m"}],
            "diagnostics":[{"severity":"error","code":"python.syntax","message":"m","line":1,"column":2}]}"#;
        let error = Problem::parse(422, None, body).unwrap().error;
        assert_eq!(error.violations[0].path, "/ip");
        assert_eq!(error.diagnostics[0].column, Some(2));
    }

    #[test]
    fn what_a_gateway_says_by_itself_is_understood_by_its_status() {
        for (status, kind) in [
            (401, ErrorKind::Unauthenticated),
            (404, ErrorKind::NotFound),
            (429, ErrorKind::Limited),
            (503, ErrorKind::Unavailable),
            (418, ErrorKind::InvalidRequest),
        ] {
            let problem = Problem::parse(status, Some(7), r#"{"message":"no"}"#).unwrap();
            assert_eq!((problem.error.kind, problem.error.retry_after_s), (kind, Some(7)));
        }
    }

    #[test]
    fn an_unknown_type_falls_back_to_the_status() {
        let body = r#"{"type":"urn:writ:error:from_the_future","detail":"x"}"#;
        assert_eq!(Problem::parse(409, None, body).unwrap().error.kind, ErrorKind::Conflict);
    }

    #[test]
    fn another_servers_reply_is_not_taken_for_ours() {
        assert_eq!(Problem::parse(404, None, "<html>not found</html>"), None);
        assert_eq!(Problem::parse(500, None, "{}"), None);
        assert_eq!(Problem::parse(301, None, r#"{"message":"moved"}"#), None);
    }
}

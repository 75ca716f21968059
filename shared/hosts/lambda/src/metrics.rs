//! Metrics in the form that CloudWatch reads from the log (CloudWatch User Guide, "Embedded metric
//! format specification"), without a call to its API.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use writ_edge::Reply;
use writ_model::Timestamp;
use writ_ports::EngineUsage;

/// The namespace of the metrics in CloudWatch.
const NAMESPACE: &str = "Writ";

/// The measurements of one request.
#[derive(Debug)]
pub(crate) struct RequestMetrics<'a> {
    pub(crate) now: Timestamp,
    pub(crate) route: &'a str,
    pub(crate) request_id: &'a str,
    pub(crate) reply: &'a Reply,
    pub(crate) duration: Duration,
    /// The engines' work for the request.
    pub(crate) engines: EngineUsage,
    /// Whether it is the first request of its process.
    pub(crate) is_cold: bool,
}

#[derive(Deserialize)]
struct Problem<'a> {
    r#type: &'a str,
}

impl RequestMetrics<'_> {
    /// The log line that holds the metrics of the request.
    pub(crate) fn log_line(&self) -> Value {
        let ms = |duration: Duration| duration.as_secs_f64() * 1_000.0;
        let unit = |name: &str, unit: &str| json!({"Name": name, "Unit": unit});
        let mut line = json!({
            "_aws": {
                "Timestamp": self.now.as_ms(),
                "CloudWatchMetrics": [{
                    "Namespace": NAMESPACE,
                    "Dimensions": [["Route"]],
                    "Metrics": [
                        unit("Requests", "Count"),
                        unit("Errors", "Count"),
                        unit("ColdStarts", "Count"),
                        unit("Duration", "Milliseconds"),
                        unit("EngineTime", "Milliseconds"),
                        unit("CompileHits", "Count"),
                        unit("CompileMisses", "Count"),
                        unit("WorkersKilled", "Count"),
                    ],
                }],
            },
            "Route": self.route,
            "request_id": self.request_id,
            "status": self.reply.status.as_u16(),
            "Requests": 1,
            "Errors": 0,
            "ColdStarts": u8::from(self.is_cold),
            "Duration": ms(self.duration),
            "EngineTime": ms(Duration::from_micros(self.engines.waited_us)),
            "CompileHits": self.engines.hits,
            "CompileMisses": self.engines.misses,
            "WorkersKilled": self.engines.kills,
        });
        if let (Some(kind), Some(members)) = (self.error_type(), line.as_object_mut()) {
            members.insert("Errors".to_owned(), json!(1));
            members.insert("ErrorType".to_owned(), json!(kind));
            // A separate set of dimensions: a metric per route and error type exists only after
            // such an error.
            if let Some(sets) = members
                .get_mut("_aws")
                .and_then(|aws| aws.pointer_mut("/CloudWatchMetrics"))
                .and_then(Value::as_array_mut)
            {
                sets.push(json!({
                    "Namespace": NAMESPACE,
                    "Dimensions": [["Route", "ErrorType"]],
                    "Metrics": [unit("Errors", "Count")],
                }));
            }
        }
        line
    }

    /// The last part of the problem's `type`; `None` for a response that is no error.
    fn error_type(&self) -> Option<String> {
        if !self.reply.status.is_client_error() && !self.reply.status.is_server_error() {
            return None;
        }
        let named = serde_json::from_str::<Problem<'_>>(&self.reply.body).ok();
        let kind = named.and_then(|problem| problem.r#type.rsplit(':').next().map(str::to_owned));
        Some(kind.unwrap_or_else(|| format!("status_{}", self.reply.status.as_u16())))
    }
}

#[cfg(test)]
mod tests {
    use writ_model::Error;

    use super::*;

    fn line(reply: &Reply) -> Value {
        let metrics = RequestMetrics {
            now: Timestamp::from_ms(7),
            route: "policy.get",
            request_id: "r1",
            reply,
            duration: Duration::from_micros(1_500),
            engines: EngineUsage { waited_us: 250, hits: 3, misses: 2, kills: 1 },
            is_cold: true,
        };
        metrics.log_line()
    }

    /// Whether every declared metric and dimension has a value.
    fn is_complete(line: &Value) -> bool {
        let sets = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
        sets.iter().all(|set| {
            let metrics = set["Metrics"].as_array().unwrap();
            let dimensions = set["Dimensions"][0].as_array().unwrap();
            metrics.iter().all(|metric| line[metric["Name"].as_str().unwrap()].is_number())
                && dimensions.iter().all(|name| line[name.as_str().unwrap()].is_string())
        })
    }

    #[test]
    fn a_success_counts_a_request_and_no_error() {
        let line = line(&Reply::data("1"));
        assert!(is_complete(&line), "{line}");
        assert_eq!((&line["Requests"], &line["Errors"]), (&json!(1), &json!(0)));
        assert_eq!((&line["Duration"], &line["EngineTime"]), (&json!(1.5), &json!(0.25)));
        let engines = ["CompileHits", "CompileMisses", "WorkersKilled"].map(|name| &line[name]);
        assert_eq!(engines, [&json!(3), &json!(2), &json!(1)]);
        assert_eq!((&line["ColdStarts"], &line["_aws"]["Timestamp"]), (&json!(1), &json!(7)));
    }

    #[test]
    fn a_failure_counts_an_error_of_its_type() {
        let line = line(&Reply::problem(&Error::not_found("no"), "r1", None));
        assert!(is_complete(&line), "{line}");
        assert_eq!((&line["Errors"], &line["ErrorType"]), (&json!(1), &json!("not_found")));
        assert_eq!(
            line["_aws"]["CloudWatchMetrics"][1]["Dimensions"],
            json!([["Route", "ErrorType"]])
        );
    }
}

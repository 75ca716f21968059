//! Events in the format of API Gateway's HTTP APIs (payload format 2.0).

use serde_json::{Map, Value, json};

/// The event of a request to the route `name` (`method` and path `template`) with values for the
/// template's parameters. The caller is authorized as an author of the workspace `team-a`.
#[must_use]
pub fn http_api(
    name: &str,
    method: &str,
    template: &str,
    params: &[(&str, &str)],
    body: Option<&Value>,
) -> Value {
    let path = params.iter().fold(template.to_owned(), |path, (name, value)| {
        path.replace(&format!("{{{name}}}"), value)
    });
    let params: Map<String, Value> =
        params.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
    json!({
        "version": "2.0",
        "routeKey": format!("{method} {template}"),
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json", "host": "api.example.com"},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api",
            "authorizer": {"lambda": {
                "decision": "allow", "route": name, "subject": "alice", "workspace": "team-a",
                "role": "author", "principal_kind": "token", "rule": "authors-write", "message": "",
            }},
            "http": {
                "method": method, "path": path, "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1", "userAgent": "test",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": format!("{method} {template}"),
            "stage": "$default",
            "time": "31/Jan/2026:09:30:00 +0000",
            "timeEpoch": 1_769_851_800_000_u64,
        },
        "pathParameters": params,
        "body": body.map(Value::to_string),
        "isBase64Encoded": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_its_path_filled() {
        let event = http_api("policy.get", "GET", "/policy/{uri}", &[("uri", "a:1-b")], None);
        assert_eq!(event["rawPath"], "/policy/a:1-b");
        assert_eq!(event["pathParameters"]["uri"], "a:1-b");
        assert_eq!(event["routeKey"], "GET /policy/{uri}");
    }
}

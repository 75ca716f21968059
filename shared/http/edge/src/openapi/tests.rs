use http::Method;
use writ_model::{Diagnostic, Error, ErrorKind, Language, PrincipalKind, Violation};
use writ_query::Filter;

use super::*;
use crate::{AccessLevel, Param, QUERY_PARAMS, Reply};

fn spec(
    name: &'static str,
    method: Method,
    path: &'static str,
    access_level: AccessLevel,
) -> RouteSpec {
    RouteSpec {
        name,
        method,
        path,
        access_level,
        summary: "Does it.",
        data: "PolicyRule",
        ..RouteSpec::DEFAULT
    }
}

fn table() -> Vec<RouteSpec> {
    const IF_MATCH: &[Param] =
        &[Param { name: "If-Match", description: "The revision to change." }];
    const IF_NONE_MATCH: &[Param] =
        &[Param { name: "If-None-Match", description: "The revision at hand." }];
    vec![
        RouteSpec {
            body: Some("NewPolicyRule"),
            success: 201,
            ..spec("policy.create", Method::POST, "/policy", AccessLevel::MutatePolicy)
        },
        RouteSpec {
            params: IF_NONE_MATCH,
            ..spec("policy.get", Method::GET, "/policy/{uri}", AccessLevel::Read)
        },
        RouteSpec {
            body: Some("PolicyUpdate"),
            params: IF_MATCH,
            ..spec("policy.update", Method::PUT, "/policy/{uri}", AccessLevel::MutatePolicy)
        },
        RouteSpec {
            body: Some("Filter"),
            data: "PolicyRulePage",
            params: QUERY_PARAMS,
            ..spec("policy.query", Method::POST, "/policy/query", AccessLevel::Read)
        },
        RouteSpec {
            body: Some("ExecutePolicyRequest"),
            data: "Output",
            ..spec(
                "executor.execute",
                Method::POST,
                "/executor/{executor_id}/execute_policy",
                AccessLevel::Execute,
            )
        },
        RouteSpec {
            data: "Job",
            ..spec("jobs.cancel", Method::DELETE, "/jobs/{job_id}", AccessLevel::Execute)
        },
        RouteSpec {
            data: "Plan",
            body: Some("PlanRequest"),
            ..spec("policy.plan", Method::POST, "/policy/{uri}/plan", AccessLevel::MutatePolicy)
        },
        RouteSpec {
            data: "Token[]",
            ..spec("token.list", Method::POST, "/token", AccessLevel::Read)
        },
    ]
}

fn at<'v>(value: &'v Value, pointer: &str) -> &'v Value {
    value.pointer(pointer).unwrap_or_else(|| panic!("{pointer} is not there"))
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn equal_tables_give_equal_documents() {
    assert_eq!(openapi_text(&table()), openapi_text(&table()));
    assert!(openapi_text(&table()).ends_with("}\n"));
}

#[test]
fn every_reference_leads_somewhere() {
    let document = openapi(&table());
    let mut references = Vec::new();
    collect_every(&document, "$ref", &mut references);
    assert!(references.len() > 20);
    for reference in references {
        at(&document, reference.as_str().unwrap().strip_prefix('#').unwrap());
    }
}

#[test]
fn the_description_of_a_filter_names_every_operator() {
    let document = openapi(&table());
    let text = at(&document, "/components/schemas/Filter/description").as_str().unwrap();
    let words: Vec<_> = text.split([' ', '`']).filter(|word| word.starts_with('$')).collect();
    for operator in [Filter::LOGICAL_OPERATORS, Filter::FIELD_OPERATORS].concat() {
        assert!(words.contains(&operator), "`{operator}` is not in components.json: {words:?}");
    }
}

#[test]
fn the_schema_of_a_language_names_every_language() {
    let document = openapi(&table());
    let names = at(&document, "/components/schemas/Language/enum");
    assert_eq!(*names, json!(Language::ALL.map(Language::name)));
}

#[test]
fn the_schema_of_a_record_names_every_way_to_know_its_caller() {
    let names: Vec<_> = PrincipalKind::ALL.map(PrincipalKind::name).into();
    for schema in ["Execution", "Job"] {
        let known = &Parts::read().schemas[schema]["properties"]["principal_kind"]["enum"];
        assert_eq!(*known, json!(names), "{schema}");
    }
}

fn collect_every<'v>(value: &'v Value, key: &str, found: &mut Vec<&'v Value>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get(key));
            members.values().for_each(|member| collect_every(member, key, found));
        }
        Value::Array(elements) => {
            elements.iter().for_each(|element| collect_every(element, key, found))
        }
        _ => {}
    }
}

#[test]
fn only_what_is_reached_is_shown() {
    let document = openapi(&table());
    let schemas = at(&document, "/components/schemas");
    assert!(schemas.get("FieldRule").is_some(), "reached through others");
    assert!(schemas.get("NewToken").is_none(), "no route of this table makes a token");
    assert!(!document.to_string().contains(operation::BESIDE_DATA));
}

#[test]
fn a_name_that_no_component_defines_is_found() {
    assert_eq!(undefined_names(&table()), [] as [&str; 0]);
    let typo = RouteSpec {
        data: "PolicyRulPage",
        params: &[Param { name: "wiat", description: "Seconds." }],
        ..spec("polcy.get", Method::GET, "/policy/{ur}", AccessLevel::Read)
    };
    assert_eq!(
        undefined_names(&[typo]),
        ["PolicyRul of polcy.get", "wiat of polcy.get", "{ur} of polcy.get", "polcy of polcy.get"]
    );
}

#[test]
fn each_route_documents_the_failures_that_it_can_have() {
    let document = openapi(&table());
    for (pointer, want) in [
        ("/paths/~1policy/post", "201 400 401 403 409 413 415 422 500 503 504"),
        ("/paths/~1policy~1{uri}/get", "200 304 400 401 403 404 500 503 504"),
        ("/paths/~1policy~1{uri}/put", "200 400 401 403 404 409 412 413 415 422 500 503 504"),
        ("/paths/~1policy~1query/post", "200 400 401 403 413 415 500 503 504"),
        ("/paths/~1token/post", "200 400 401 403 413 415 500 503 504"),
        // A level decides, not the method: what changes something may meet another change.
        (
            "/paths/~1jobs~1{job_id}/delete",
            "200 400 401 403 404 409 413 415 422 429 500 502 503 504",
        ),
        (
            "/paths/~1executor~1{executor_id}~1execute_policy/post",
            "200 400 401 403 404 409 413 415 422 429 500 502 503 504",
        ),
    ] {
        assert_eq!(
            keys(at(&document, &format!("{pointer}/responses"))).join(" "),
            want,
            "{pointer}"
        );
    }
    // It names the job that is over already.
    let conflict = at(&document, "/components/responses/Problem409/description").as_str().unwrap();
    assert!(conflict.contains("urn:writ:error:conflict"));
}

#[test]
fn every_kind_of_error_has_a_documented_status() {
    for kind in ErrorKind::ALL {
        let status = crate::status_of(kind).as_u16();
        assert!(operation::ERROR_STATUSES.contains(&status), "{kind:?}");
        assert!(operation::failure(status)["description"].as_str().unwrap().contains(kind.name()));
    }
}

#[test]
fn pages_and_runs_have_members_beside_their_data() {
    let document = openapi(&table());
    for (path, want) in [
        ("~1policy~1query", "success data next_token"),
        ("~1executor~1{executor_id}~1execute_policy", "success data execution_id"),
        ("~1token", "success data"),
    ] {
        let pointer =
            format!("/paths/{path}/post/responses/200/content/application~1json/schema/properties");
        assert_eq!(keys(at(&document, &pointer)).join(" "), want);
    }
}

#[test]
fn the_last_page_of_a_plan_has_no_token_and_fits() {
    let document = openapi(&table());
    let mut schema = at(
        &document,
        "/paths/~1policy~1{uri}~1plan/post/responses/200/content/application~1json/schema",
    )
    .clone();
    schema["components"] = document["components"].clone();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let plan = json!({ "considered": 0, "same": 0, "changed": 0, "skipped": [], "groups": [] });
    let mut reply = json!({ "success": true, "data": plan });
    assert!(validator.is_valid(&reply));
    reply["next_token"] = "t".into();
    assert!(validator.is_valid(&reply));
    reply["next_token"] = json!(1);
    assert!(!validator.is_valid(&reply));
}

#[test]
fn a_query_may_answer_parts_of_objects_at_any_depth() {
    let document = openapi(&table());
    let mut schema =
        at(&document, "/paths/~1policy~1query/post/responses/200/content/application~1json/schema")
            .clone();
    schema["components"] = document["components"].clone();
    let page = jsonschema::draft202012::new(&schema).unwrap();
    for (item, fits) in [
        (json!({}), true),
        (json!({ "name": "a" }), true),
        (json!({ "management_commands_schema": [{}] }), true),
        (json!({ "name": 1 }), false),
        (json!(1), false),
    ] {
        let reply = json!({ "success": true, "data": [item] });
        assert_eq!(page.is_valid(&reply), fits, "{reply}");
    }
    let job = validator("JobProjection");
    assert!(job.is_valid(&json!({ "error": { "kind": "x" }, "attempts": [{}] })));
    assert!(!job.is_valid(&json!({ "error": { "kind": 1 } })));
    assert!(!validator("Job").is_valid(&json!({ "error": { "kind": "x" } })));
}

#[test]
fn the_document_bounds_a_parameter_as_the_server_does() {
    let parts = Parts::read();
    for (name, fits, fits_not) in [
        (
            "sort",
            &["", "name", "name,-version", "a , b", "{\"a\": 1}", " {"] as &[_],
            &["a:1", "+a", "a b", "-", "a,"] as &[_],
        ),
        ("projection", &["-code", "a.b", "a-b", "a+b"], &["--a", "a,+b"]),
        (
            "If-Match",
            &["*", "\"1-a\"", "W/\"a\", \"b\"", "\"a,b\"", "\"\""],
            &["", "a", "\"a", "\"a\" \"b\"", "w/\"a\"", "\"a\","],
        ),
        ("Idempotency-Key", &["k", "!~"], &["", "a b", "é"]),
        ("Writ-On-Behalf-Of", &["a", "a b"], &["", " ", "é"]),
    ] {
        let mut schema = parts.parameters[name].clone();
        schema["components"] = json!({ "schemas": parts.schemas });
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        for (texts, want) in [(fits, true), (fits_not, false)] {
            for text in texts {
                assert_eq!(validator.is_valid(&json!(text)), want, "{name}: {text}");
                assert_eq!(is_accepted(name, text), want, "{name}: {text}");
            }
        }
    }
    let limit = &parts.parameters["limit"];
    assert_eq!(
        (&limit["maximum"], &limit["default"]),
        (&json!(crate::LIMIT_MAX), &json!(crate::LIMIT_DEFAULT))
    );
}

/// Whether the boundary reads the parameter; JSON may still hold what a sort does not take.
fn is_accepted(name: &str, text: &str) -> bool {
    let mut request = crate::request::fixture();
    let is_json = text.trim_start().starts_with('{');
    match name {
        "sort" | "projection" => {
            request.query = vec![(name.to_owned(), text.to_owned())];
            is_json || crate::ListParams::of(&request, &[]).is_ok()
        }
        _ => {
            // A header's value has no white space around it.
            let value = http::HeaderValue::from_bytes(text.trim().as_bytes()).unwrap();
            request.headers.insert(http::HeaderName::try_from(name).unwrap(), value);
            let key = crate::idempotency::key_of(&request).is_ok();
            key && crate::Precondition::of(&request).is_ok() && request.on_behalf_of().is_ok()
        }
    }
}

#[test]
fn a_post_that_does_something_takes_an_idempotency_key() {
    let document = openapi(&table());
    let names = |path: &str| {
        let parameters = document.pointer(&format!("/paths/{path}/post/parameters"));
        parameters.map(|parameters| parameters.to_string().contains("Idempotency-Key"))
    };
    assert_eq!(names("~1policy"), Some(true));
    assert_eq!(names("~1policy~1query"), Some(false));
}

#[test]
fn a_header_that_a_route_reads_is_documented_as_one() {
    const PARAMS: &[Param] = &[
        Param { name: "Writ-On-Behalf-Of", description: "For whom." },
        Param { name: "limit", description: "How many." },
    ];
    let document = openapi(&[RouteSpec { params: PARAMS, ..table().remove(4) }]);
    let parameters =
        at(&document, "/paths/~1executor~1{executor_id}~1execute_policy/post/parameters");
    let named = |name: &str| {
        let mut parameters = parameters.as_array().unwrap().iter();
        parameters.find(|parameter| parameter["name"] == name).unwrap()
    };
    assert_eq!(named("limit")["in"], "query");
    let header = named("Writ-On-Behalf-Of");
    assert_eq!((&header["in"], &header["description"]), (&json!("header"), &json!("For whom.")));
    assert_eq!(header["schema"], Parts::read().parameters["Writ-On-Behalf-Of"]);
    assert_eq!(header.get("required"), None);
}

/// What a schema says against what the program sends.
fn validator(schema: &str) -> jsonschema::Validator {
    let parts = Parts::read();
    let document =
        json!({ "$ref": format!("{REF}{schema}"), "components": { "schemas": parts.schemas } });
    jsonschema::draft202012::new(&document).unwrap()
}

#[test]
fn every_schema_compiles() {
    for name in Parts::read().schemas.keys() {
        validator(name);
    }
}

#[test]
fn every_example_fits_its_schema() {
    for (name, schema) in &Parts::read().schemas {
        for example in schema.get("examples").and_then(Value::as_array).into_iter().flatten() {
            assert!(validator(name).is_valid(example), "{name}: {example}");
        }
    }
}

#[test]
fn a_stored_policy_fits_its_schema_and_has_no_member_beyond_it() {
    let text = r#"{"name":"a","version":"1","release_tag":"b","code":"x","code_type":"python",
        "policy_input_schema":{"ip":{"type":"string","required":true}},
        "policy_output_schema":{"type":"object"},"functionality_data":{},"resource_estimates":{},
        "schema_formats":"assert"}"#;
    let policy = writ_model::PolicyRule::from_json(text).unwrap();
    let stored = serde_json::to_value(&policy).unwrap();
    assert!(validator("PolicyRule").is_valid(&stored), "{stored}");
    let parts = Parts::read();
    for name in ["PolicyRule", "NewPolicyRule"] {
        assert_eq!(keys(&parts.schemas[name]["properties"]), keys(&stored), "{name}");
    }
    let sent: Value = serde_json::from_str(text).unwrap();
    assert!(validator("NewPolicyRule").is_valid(&sent));
    assert!(validator("PolicyUpdate").is_valid(&sent));
    assert!(validator("PolicyUpdate").is_valid(&json!({"$set": {"tags": "x"}})));
    assert!(!validator("PolicyUpdate").is_valid(&json!({"$sett": {}})));
}

#[test]
fn a_problem_fits_its_schema() {
    let violation = Violation {
        subject: "output".to_owned(),
        path: "/a".to_owned(),
        rule: "type".to_owned(),
        message: "is no string".to_owned(),
    };
    let mut error = Error::violations(vec![violation]);
    error.diagnostics = vec![Diagnostic::error("python.syntax", "x").at(1, 2).help("y")];
    error.rule = Some("readers-read".to_owned());
    let problem: Value =
        serde_json::from_str(&Reply::problem(&error, "r1", Some("e1")).body).unwrap();
    assert!(validator("Problem").is_valid(&problem), "{problem}");
    let kept = serde_json::to_value(&error).unwrap();
    assert!(validator("RunError").is_valid(&kept), "{kept}");
    let parts = Parts::read();
    for (sent, schema) in [(&problem, "Problem"), (&kept, "RunError")] {
        let known = keys(&parts.schemas[schema]["properties"]);
        assert!(keys(sent).iter().all(|key| known.contains(key)), "{schema}: {sent}");
    }
}

#[test]
fn an_execution_fits_its_schema() {
    let error = Error::new(ErrorKind::PolicyTimedOut, "stopped after its 1000 ms");
    let execution = json!({
        "execution_id": "0190", "workspace": "default", "identity": "me", "principal_kind": "local",
        "on_behalf_of": "you", "cause": "request", "parent": "0180", "idempotency_key": "k",
        "policy_rule_uri": "a:1-b", "revision": 1, "digest": "0".repeat(64), "source": "builtin",
        "engine": "python", "engine_version": "0.5", "executor_id": "builtin", "input_data": {}, "parameters": {},
        "started_at": "2026-01-31T09:30:00.000Z", "policy_time": "2026-01-31T09:30:00.000Z", "seed": 7, "status": "failed", "output": null, "error": error,
        "printed": "x", "masked": ["/input_data/a"], "duration_us": 5, "engine_us": 4, "trace_id": "t",
    });
    let execution: writ_model::Execution = serde_json::from_str(&execution.to_string()).unwrap();
    let kept = serde_json::to_value(&execution).unwrap();
    let faults: Vec<_> =
        validator("Execution").iter_errors(&kept).map(|fault| fault.to_string()).collect();
    assert_eq!(faults, [] as [&str; 0]);
    let parts = Parts::read();
    let known = keys(&parts.schemas["Execution"]["properties"]);
    assert!(keys(&kept).iter().all(|key| known.contains(key)), "{kept}");
}

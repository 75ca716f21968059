mod bounds;

use writ_model::{Diagnostic, Digest, Language};

use super::*;
use crate::Source;
use crate::language::Runtime as _;

fn json(text: &str) -> RawJson {
    RawJson::parse(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn source(code: &str, data: &str) -> Source {
    Source {
        language: Language::Cedar,
        code: code.to_owned(),
        digest: Digest::of(code.as_bytes()),
        functionality_data: (!data.is_empty()).then(|| json(data)),
        schemas: Default::default(),
    }
}

fn compile(code: &str, data: &str) -> Result<CedarProgram, Vec<Diagnostic>> {
    compile::compile(&source(code, data)).map(CedarProgram::new)
}

fn compiled(code: &str, data: &str) -> CedarProgram {
    compile(code, data).unwrap_or_else(|problems| panic!("{problems:#?}\n{code}"))
}

fn call(input: &str) -> Call {
    Call {
        rule_id: "test:1.0-beta".to_owned(),
        settings: RawJson::empty_object(),
        parameters: RawJson::empty_object(),
        method: Method::Eval { input_data: json(input) },
        now_ms: 0,
        seed: 7,
        context: None,
        coverage: false,
    }
}

/// A request of alice to view a photo, followed by `rest`.
fn request(rest: &str) -> String {
    format!(
        r#"{{"principal": "User::\"alice\"", "action": "Action::\"view\"", "resource": "Photo::\"p\""{rest}}}"#
    )
}

/// The result of a run as one line: the output, or `kind: message`.
fn line(result: &Result<Outcome, Failure>) -> String {
    match result {
        Ok(outcome) => outcome.output.as_str().to_owned(),
        Err(Failure::Raised { kind, message, .. }) => format!("{kind}: {message}"),
        Err(other) => other.to_string(),
    }
}

fn run(code: &str, data: &str, input: &str) -> String {
    line(&compiled(code, data).run(&call(input), &Budget::default()))
}

const PERMIT: &str = "permit(principal, action, resource)";
const SCHEMA: &str = "entity User in [Team] { age: Long }; entity Team; entity Photo { owner: User };\naction view appliesTo { principal: User, resource: Photo, context: { ip: ipaddr, note?: String } };";

fn schema() -> String {
    serde_json::json!({ "schema": SCHEMA }).to_string()
}

fn allow(reasons: &str) -> String {
    format!(r#"{{"decision":"allow","reasons":[{reasons}],"errors":[]}}"#)
}

fn deny(reasons: &str) -> String {
    format!(r#"{{"decision":"deny","reasons":[{reasons}],"errors":[]}}"#)
}

#[test]
fn decisions_are_cedars_with_the_policies_that_determined_them() {
    let clause = |text: &str| format!("{PERMIT} when {{ {text} }};");
    let cases = [
        (format!("{PERMIT};"), "", allow("\"policy0\"")),
        (String::new(), "", deny("")),
        (format!("@id(\"all\")\n{PERMIT};"), "", allow("\"all\"")),
        (format!("@id(\"z\") {PERMIT};\n@id(\"a\") {PERMIT};\n{PERMIT};"), "", allow("\"a\",\"policy2\",\"z\"")),
        (format!("{PERMIT};\n@id(\"no\") forbid(principal, action, resource);"), "", deny("\"no\"")),
        (clause("context.n == 9223372036854775807"), r#", "context": {"n": 9223372036854775807}"#, allow("\"policy0\"")),
        (clause("context.ip.isInRange(ip(\"10.0.0.0/8\"))"), r#", "context": {"ip": {"__extn": {"fn": "ip", "arg": "10.1.2.3"}}}"#, allow("\"policy0\"")),
        (clause("context.who == principal"), r#", "context": {"who": {"__entity": {"type": "User", "id": "alice"}}}"#, allow("\"policy0\"")),
        (clause("principal in Team::\"t\""), r#", "entities": [{"uid": {"type": "User", "id": "alice"}, "attrs": {}, "parents": [{"type": "Team", "id": "t"}]}]"#, allow("\"policy0\"")),
        (clause("principal.age > 17"), r#", "entities": [{"uid": {"type": "User", "id": "alice"}, "attrs": {"age": 18}, "parents": []}]"#, allow("\"policy0\"")),
        (
            format!("@id(\"b\") {}\n@id(\"a\") {}", clause("principal.age > 17"), clause("context.x + 1 == 2")),
            r#", "context": {"x": 9223372036854775807}"#,
            r#"{"decision":"deny","reasons":[],"errors":[{"policy_id":"a","message":"integer overflow while attempting to add the values `9223372036854775807` and `1`"},{"policy_id":"b","message":"entity `User::\"alice\"` does not exist"}]}"#.to_owned(),
        ),
    ];
    let mut wrong = Vec::new();
    for (code, rest, expected) in &cases {
        let found = run(code, "", &request(rest));
        if found != *expected {
            wrong.push(format!("{code}  {rest}\n  expected {expected}\n  found    {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_notation_of_an_entity_means_the_same() {
    let code = "permit(principal == User::\"alice\", action == Action::\"view\", resource == Photo::\"p\");";
    for principal in [
        r#""User::\"alice\"""#,
        r#"{"type": "User", "id": "alice"}"#,
        r#"{"__entity": {"type": "User", "id": "alice"}}"#,
    ] {
        let input = format!(
            r#"{{"principal": {principal}, "action": {{"type": "Action", "id": "view"}}, "resource": "Photo::\"p\""}}"#
        );
        assert_eq!(run(code, "", &input), allow("\"policy0\""), "{principal}");
    }
}

/// Forbids that err for the request, with the message of the error.
const ERRING: &[(&str, &str)] = &[
    ("context.level > 3", "`level`"),
    ("principal.suspended", "does not exist"),
    ("context.n < 3", "type error"),
    ("context.n + context.n == \"ab\"", "type error"),
    ("context.max + 1 > 3", "overflow"),
    ("context.n", "type error"),
    ("ip(context.n).isLoopback()", "invalid IP address"),
    ("context.n == \"a\" && context.level", "`level`"),
];

#[test]
fn a_forbid_that_errs_forbids_unless_the_policy_says_otherwise() {
    let rest = r#", "context": {"n": "a", "max": 9223372036854775807}"#;
    let mut wrong = Vec::new();
    for (condition, says) in ERRING {
        for permit in [format!("{PERMIT};"), String::new()] {
            let code = format!(
                "{permit} @id(\"no\") forbid(principal, action, resource) when {{ {condition} }};"
            );
            let ours = run(&code, "", &request(rest));
            let cedars = run(&code, r#"{"forbid_errors": "ignore"}"#, &request(rest));
            let decision = match permit.is_empty() {
                false => {
                    r#"{"decision":"allow","reasons":["policy0"],"errors":[{"policy_id":"no","#
                }
                true => r#"{"decision":"deny","reasons":[],"errors":[{"policy_id":"no","#,
            };
            let ours_is_right = ours
                .starts_with(r#"{"decision":"deny","reasons":["no"],"errors":[{"policy_id":"no","#)
                && ours.contains(says)
                && !ours.contains("forbid_errors");
            let cedars_is_right =
                cedars.starts_with(decision) && cedars.ends_with(r#"}],"forbid_errors":"ignore"}"#);
            if !ours_is_right || !cedars_is_right {
                wrong.push(format!("{code}\n  {ours}\n  {cedars}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_error_in_a_permit_or_a_linked_forbid_counts_as_its_effect_says() {
    let erring = "when { context.missing }";
    let code = format!("{PERMIT}; @id(\"p\") {PERMIT} {erring};");
    let found = run(&code, "", &request(""));
    assert!(found.starts_with(r#"{"decision":"allow","reasons":["policy0"],"#), "{found}");
    let code =
        format!("{PERMIT}; @id(\"t\") forbid(principal == ?principal, action, resource) {erring};");
    let data = r#"{"links": [{"template_id": "t", "new_id": "l", "values": {"?principal": "User::\"alice\""}}]}"#;
    let found = run(&code, data, &request(""));
    assert!(found.starts_with(r#"{"decision":"deny","reasons":["l"],"#), "{found}");
    let code = format!("{code} @id(\"a\") forbid(principal, action, resource);");
    let found = run(&code, data, &request(""));
    assert!(found.starts_with(r#"{"decision":"deny","reasons":["a","l"],"#), "{found}");
}

#[test]
fn links_are_read_in_each_of_cedars_formats() {
    let code = "@id(\"t\") permit(principal == ?principal, action, resource);";
    let alice = r#"{"?principal": "User::\"alice\""}"#;
    let links = [
        format!(r#"{{"template_id": "t", "new_id": "l", "values": {alice}}}"#),
        format!(r#"{{"template_id": "t", "link_id": "l", "args": {alice}}}"#),
        format!(r#"{{"templateId": "t", "newId": "l", "values": {alice}}}"#),
        r#"{"templateId": "t", "newId": "l", "values": {"?principal": {"__entity": {"type": "User", "id": "alice"}}}}"#.to_owned(),
    ];
    for link in links {
        let found = run(code, &format!(r#"{{"links": [{link}]}}"#), &request(""));
        assert_eq!(found, allow("\"l\""), "{link}");
    }
    let twice = format!(
        r#"{{"links": [{{"template_id": "t", "new_id": "l", "link_id": "m", "args": {alice}}}]}}"#
    );
    let problem = compile(code, &twice).err().unwrap_or_default();
    assert!(problem[0].message.contains("`new_id` and `link_id`"), "{problem:?}");
}

/// Lists of entities as Cedar's command line reads and writes them.
const ENTITIES: &[&str] = &[
    r#"[{"uid": {"type": "User", "id": "alice"}, "attrs": {"age": 3}, "parents": [{"type": "Team", "id": "t"}]}]"#,
    r#"[{"uid": {"__entity": {"type": "User", "id": "alice"}}, "attrs": {"age": 3}, "parents": [{"__entity": {"type": "Team", "id": "t"}}]}]"#,
    r#"[{"uid": {"type": "User", "id": "alice"}, "attrs": {"age": 3}, "parents": [{"type": "Team", "id": "t"}], "tags": {}}]"#,
    r#"[{"uid": {"type": "User", "id": "alice"}, "attrs": {"age": 3}, "parents": [{"type": "Team", "id": "t"}]}, {"uid": {"type": "Action", "id": "view"}, "attrs": {}, "parents": []}]"#,
    r#"[{"uid": {"type": "User", "id": "alice"}, "attrs": {"age": 3}, "parents": [{"type": "Team", "id": "t"}]}, {"uid": {"type": "Team", "id": "t"}, "attrs": {}, "parents": []}]"#,
    r#"[{"uid": "User::\"alice\"", "attrs": {"age": 3}, "parents": ["Team::\"t\""]}]"#,
    r#"[{"uid": {"type": "User", "id": "alice"}, "attrs": {"age": 3}, "parents": [{"type": "Team", "id": "t"}]}, {"uid": {"type": "User", "id": "alice"}, "attrs": {"age": 3}, "parents": [{"type": "Team", "id": "t"}]}]"#,
];

#[test]
fn entities_are_read_in_each_of_cedars_formats() {
    let code = format!("{PERMIT} when {{ principal.age == 3 && principal in Team::\"t\" }};");
    let mut wrong = Vec::new();
    for entities in ENTITIES {
        for data in [String::new(), schema()] {
            let rest = format!(
                r#", "context": {{"ip": {{"__extn": {{"fn": "ip", "arg": "::1"}}}}}}, "entities": {entities}"#
            );
            let found = run(&code, &data, &request(&rest));
            if found != allow("\"policy0\"") {
                wrong.push(format!("{entities} {}\n  {found}", data.is_empty()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The rest of the request, and the expected message with and without the schema.
const REFUSED: &[(&str, &str)] = &[
    (r#", "principle": 1"#, "cedar.request: a request has no `principle`"),
    (r#", "context": [1]"#, "cedar.request: `input.context`: a context is an object"),
    (
        r#", "context": {"a": [{"b": 1.5}]}"#,
        "cedar.request: `input.context`: `a[0].b` is 1.5, and cedar has only integers of 64 bits",
    ),
    (
        r#", "context": {"a": 9223372036854775808}"#,
        "cedar.request: `input.context`: `a` is 9223372036854775808",
    ),
    (r#", "context": {"a": null}"#, "cedar.request: `input.context`: "),
    (r#", "entities": {}"#, "cedar.entities: `input.entities` is no list of entities"),
    (r#", "entities": [{"uid": "x"}]"#, "cedar.entities: `input.entities[0]`: "),
    (
        r#", "entities": [{"uid": {"type": "User", "id": "a"}, "attrs": {"x": 1e3}, "parents": []}]"#,
        "cedar.entities: `input.entities[0]`: `attrs.x` is 1e+3",
    ),
    (
        r#", "entities": [{"uid": {"type": "T", "id": "a"}, "attrs": {}, "parents": []}, {"uid": {"type": "T", "id": "a"}, "attrs": {"x": 1}, "parents": []}]"#,
        "cedar.entities: `input.entities[1]`: the list has `T::\"a\"` twice",
    ),
    (
        r#", "entities": [{"uid": {"type": "T", "id": "a"}, "attrs": {}, "parents": [{"type": "T", "id": "b"}]}, {"uid": {"type": "T", "id": "b"}, "attrs": {}, "parents": [{"type": "T", "id": "a"}]}]"#,
        "cedar.entities: `input.entities`: the parents of the entities go in a circle",
    ),
];

#[test]
fn an_input_that_is_no_request_is_refused_with_its_path() {
    let mut wrong = Vec::new();
    for (rest, says) in REFUSED {
        let found = run(&format!("{PERMIT};"), "", &request(rest));
        if !found.starts_with(says) {
            wrong.push(format!("{rest}\n  {found}"));
        }
    }
    for (input, says) in [
        ("[]", "cedar.request: the input is an object"),
        (r#"{"principal": "User::\"a\""}"#, "cedar.request: the input has no `action`"),
        (
            r#"{"principal": "alice", "action": "", "resource": ""}"#,
            "cedar.request: `input.principal`: `alice` is no entity: ",
        ),
    ] {
        let found = run(&format!("{PERMIT};"), "", input);
        if !found.starts_with(says) {
            wrong.push(format!("{input}\n  {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn with_a_schema_every_request_has_to_fit_it() {
    let code = format!("{PERMIT} when {{ context.ip.isLoopback() }};");
    let fits = request(r#", "context": {"ip": "127.0.0.1"}"#);
    assert_eq!(run(&code, &schema(), &fits), allow("\"policy0\""));
    let entity = |attributes: &str, parents: &str| {
        request(&format!(
            r#", "context": {{"ip": "127.0.0.1"}}, "entities": [{{"uid": {{"type": "User", "id": "alice"}}, "attrs": {attributes}, "parents": {parents}}}]"#
        ))
    };
    assert_eq!(run(&code, &schema(), &entity(r#"{"age": 3}"#, "[]")), allow("\"policy0\""));
    let cases = [
        (request(""), "cedar.request: `input.context`: ", "ip"),
        (request(r#", "context": {"ip": "x"}"#), "cedar.request: `input.context`: ", "ip"),
        (
            fits.replace("Photo::", "User::"),
            "cedar.request: the input does not fit the schema: ",
            "`User`",
        ),
        (fits.replace("view", "edit"), "cedar.request: ", "edit"),
        (entity(r#"{"age": "3"}"#, "[]"), "cedar.entities: `input.entities[0]`: ", "age"),
        (entity(r#"{"age": 3, "x": 1}"#, "[]"), "cedar.entities: `input.entities[0]`: ", "`x`"),
        (
            entity(r#"{"age": 3}"#, r#"[{"type": "Photo", "id": "p"}]"#),
            "cedar.entities: `input.entities[0]`: ",
            "Photo",
        ),
    ];
    let mut wrong = Vec::new();
    for (input, starts, says) in cases {
        let found = run(&code, &schema(), &input);
        if !found.starts_with(starts) || !found.contains(says) {
            wrong.push(format!("{input}\n  {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Code, functionality data, code of the diagnostic, its location, a part of its message or help.
type Problem = (&'static str, &'static str, &'static str, Option<(u32, u32)>, &'static str);
const PROBLEMS: &[Problem] = &[
    (
        "permit(principal, action, resource)\n  when { 1 + };",
        "",
        "cedar.syntax",
        Some((2, 14)),
        "`}`",
    ),
    (
        "permit(principal, action, resource);\npermitt(principal, action, resource);",
        "",
        "cedar.syntax",
        Some((2, 1)),
        "permit",
    ),
    (
        "permit(principal, action, resource) when { \"é\" == ip2(1) };",
        "",
        "cedar.syntax",
        Some((1, 51)),
        "ip2",
    ),
    (
        "@id(\"a\") permit(principal, action, resource);\n  @id(\"a\") forbid(principal, action, resource);",
        "",
        "cedar.id",
        Some((2, 3)),
        "line 1",
    ),
    (
        "@id(\"policy1\") permit(principal, action, resource);\nforbid(principal, action, resource);",
        "",
        "cedar.id",
        Some((2, 1)),
        "`policy1`",
    ),
    ("@id permit(principal, action, resource);", "", "cedar.id", Some((1, 1)), "names nothing"),
    (
        "permit(principal, action, resource);",
        r#"{"schema": 1}"#,
        "cedar.schema",
        None,
        "neither a text nor an object",
    ),
    (
        "permit(principal, action, resource);",
        r#"{"schema": "entity A;\nentity B in [C];"}"#,
        "cedar.schema",
        None,
        "C",
    ),
    (
        "permit(principal, action, resource);",
        r#"{"schema": "entity A;\n  entity B in"}"#,
        "cedar.schema",
        None,
        "line 2, column 14 of the schema",
    ),
    (
        "permit(principal, action, resource);",
        r#"{"schema": {"": {"entityTypes": 1}}}"#,
        "cedar.schema",
        None,
        "expected a map",
    ),
    (
        "permit(principal, action == Action::\"view\", resource)\nwhen { principal.name == \"x\" };",
        "SCHEMA",
        "cedar.validation",
        Some((2, 8)),
        "`name`",
    ),
    (
        "permit(principal == Usr::\"a\", action, resource);",
        "SCHEMA",
        "cedar.validation",
        Some((1, 21)),
        "User",
    ),
    (
        "permit(principal, action, resource);",
        r#"{"links": {}}"#,
        "cedar.links",
        None,
        "`functionality_data.links` is a list",
    ),
    (
        "permit(principal, action, resource);",
        r#"{"links": [{"template_id": "x", "new_id": "y", "values": {}}]}"#,
        "cedar.links",
        None,
        "`functionality_data.links[0]`",
    ),
    (
        "@id(\"t\") permit(principal == ?principal, action, resource);",
        r#"{"links": [{"template_id": "t", "new_id": "y", "values": {}}]}"#,
        "cedar.links",
        None,
        "?principal",
    ),
    (
        "@id(\"t\") permit(principal == ?principal, action, resource);",
        r#"{"links": [{"template_id": "t", "new_id": "y", "values": {"?principle": "User::\"a\""}}]}"#,
        "cedar.links",
        None,
        "no slot `?principle`",
    ),
    (
        "@id(\"t\") permit(principal == ?principal, action, resource);",
        r#"{"links": [{"template_id": "t", "new_id": "y", "values": {}, "x": 1}]}"#,
        "cedar.links",
        None,
        "no `x`",
    ),
];

/// Statements that can only err.
const ONLY_ERR: &[Problem] = &[
    (
        "permit(principal, action, resource);\n forbid(principal, action, resource) when { 1 < \"a\" };",
        "",
        "cedar.only-errs",
        Some((2, 2)),
        "`policy1` can only err: `<` needs an integer or a datetime or a duration and gets a string",
    ),
    (
        "@id(\"t\") permit(principal == ?principal, action, resource) unless { ip(\"x\").isIpv4() };",
        "",
        "cedar.only-errs",
        Some((1, 1)),
        "`t` can only err",
    ),
    (
        "permit(principal, action, resource);",
        r#"{"forbid_errors": true}"#,
        "cedar.forbid-errors",
        None,
        "neither \"deny\" nor \"ignore\"",
    ),
];

#[test]
fn what_cannot_run_is_refused_with_its_location_and_cedars_message() {
    let mut wrong = Vec::new();
    for (code, data, finding, place, says) in PROBLEMS.iter().chain(ONLY_ERR) {
        let data = if *data == "SCHEMA" { schema() } else { (*data).to_owned() };
        let problems = compile(code, &data).err().unwrap_or_default();
        let Some(problem) = problems.first() else {
            wrong.push(format!("{code}\n  compiles"));
            continue;
        };
        let text = format!("{} {}", problem.message, problem.help.as_deref().unwrap_or_default());
        let found = problem.line.zip(problem.column);
        if problem.code != *finding || found != *place || !text.contains(says) {
            wrong.push(format!("{code}\n  {problem:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn warnings_are_returned_to_the_author() {
    let cases = [
        ("", "", "cedar.no-policies"),
        (
            "permit(principal, action, resource);",
            r#"{"schemas": "entity A;"}"#,
            "cedar.unknown-member",
        ),
        (
            "permit(principal, action, resource) when { principal.age > 1 && false };",
            "SCHEMA",
            "cedar.validation",
        ),
        (
            "permit(principal, action, resource) when { context.a || 1 < \"a\" };",
            "",
            "cedar.always-errs",
        ),
    ];
    for (code, data, expected) in cases {
        let data = if data == "SCHEMA" { schema() } else { data.to_owned() };
        let warnings = compiled(code, &data).checked().warnings;
        assert_eq!(warnings.len(), 1, "{code} {warnings:?}");
        assert_eq!(warnings[0].code, expected, "{code}");
        assert_eq!(warnings[0].severity, writ_model::Severity::Warning, "{code}");
    }
    assert!(
        compiled("permit(principal, action, resource);", &schema()).checked().warnings.is_empty()
    );
}

#[test]
fn templates_are_linked_by_the_policy_and_by_its_parameters() {
    let code = "@id(\"viewers\") permit(principal == ?principal, action, resource == ?resource);";
    let link = |id: &str, user: &str| {
        format!(
            r#"{{"template_id": "viewers", "new_id": "{id}", "values": {{"?principal": "User::\"{user}\"", "?resource": {{"type": "Photo", "id": "p"}}}}}}"#
        )
    };
    let data = format!(r#"{{"links": [{}]}}"#, link("bob may", "bob"));
    let mut program = compiled(code, &data);
    let with = |links: &str| Call {
        parameters: json(&format!(r#"{{"links": {links}}}"#)),
        ..call(&request(""))
    };
    let cases = [
        ("null".to_owned(), deny("")),
        (format!("[{}]", link("alice may", "alice")), allow("\"alice may\"")),
        ("[]".to_owned(), deny("")),
        (
            format!("[{}]", link("bob may", "alice")),
            "cedar.links: `parameters.links[0]`: ".to_owned(),
        ),
        ("1".to_owned(), "cedar.links: `parameters.links` is a list".to_owned()),
    ];
    for (links, expected) in cases {
        let found = line(&program.run(&with(&links), &Budget::default()));
        assert!(found.starts_with(&expected), "{links}\n  {found}");
    }
    let bob = request("").replace("alice", "bob");
    assert_eq!(line(&program.run(&call(&bob), &Budget::default())), allow("\"bob may\""));
    // A link of a type that the schema does not know is refused in a run as at creation.
    let data = serde_json::json!({ "schema": SCHEMA }).to_string();
    let mut program = compiled(code, &data);
    let strange = format!("[{}]", link("x", "alice").replace("User", "Robot"));
    let found = line(&program.run(&with(&strange), &Budget::default()));
    assert!(found.starts_with("cedar.links: `parameters.links`: "), "{found}");
}

#[test]
fn later_documents_replace_entities_of_the_same_name() {
    let code = "permit(principal, action, resource) when { principal.from == context.from && principal in Team::\"top\" };";
    let mut program = compiled(code, "");
    let user = |from: &str| {
        format!(
            r#"{{"uid": {{"type": "User", "id": "alice"}}, "attrs": {{"from": "{from}"}}, "parents": [{{"type": "Team", "id": "t"}}]}}"#
        )
    };
    let team = r#"{"uid": {"type": "Team", "id": "t"}, "attrs": {}, "parents": [{"type": "Team", "id": "top"}]}"#;
    let mut decide = |settings: &str, parameters: &str, input: &str, from: &str| {
        let list = |entities: &str| json(&format!(r#"{{"entities": [{entities}], "other": 1}}"#));
        let input =
            request(&format!(r#", "context": {{"from": "{from}"}}, "entities": [{input}]"#));
        let call = Call { settings: list(settings), parameters: list(parameters), ..call(&input) };
        line(&program.run(&call, &Budget::default()))
    };
    let (settings, parameters, input) = (user("settings"), user("parameters"), user("input"));
    let with_team = format!("{settings}, {team}");
    assert_eq!(decide(&with_team, "", "", "settings"), allow("\"policy0\""));
    assert_eq!(decide(&with_team, &parameters, "", "parameters"), allow("\"policy0\""));
    assert_eq!(decide(&with_team, &parameters, &input, "input"), allow("\"policy0\""));
    assert_eq!(decide(&with_team, &parameters, "", "input"), deny(""));
    assert_eq!(decide("", &parameters, team, "parameters"), allow("\"policy0\""));
    // The entity of the call replaces the team, which then has no parents.
    let lonely = r#"{"uid": {"type": "Team", "id": "t"}, "attrs": {}, "parents": []}"#;
    assert_eq!(decide(&with_team, "", lonely, "settings"), deny(""));
}

#[test]
fn a_run_sees_nothing_of_an_earlier_one() {
    let code = "permit(principal, action, resource) when { principal.age > 17 };";
    let mut program = compiled(code, "");
    let grown = request(
        r#", "entities": [{"uid": {"type": "User", "id": "alice"}, "attrs": {"age": 18}, "parents": []}]"#,
    );
    let unknown = r#"{"decision":"deny","reasons":[],"errors":[{"policy_id":"policy0","message":"entity `User::\"alice\"` does not exist"}]}"#;
    for _ in 0..2 {
        assert_eq!(line(&program.run(&call(&grown), &Budget::default())), allow("\"policy0\""));
        assert_eq!(line(&program.run(&call(&request("")), &Budget::default())), unknown);
        assert!(program.run(&call("[]"), &Budget::default()).is_err());
    }
}

#[test]
fn cedar_has_no_management() {
    let mut program = compiled("", "");
    let method = Method::Management { action: "reset".to_owned(), data: RawJson::empty_object() };
    let result = program.run(&Call { method, ..call("0") }, &Budget::default());
    assert!(line(&result).starts_with("cedar.no-management: "), "{}", line(&result));
}

#[test]
fn the_runtime_compiles_and_refuses() {
    let mut runtime = crate::cedar::runtime();
    let mut program = runtime.compile(&source(&format!("{PERMIT};"), "")).ok().unwrap();
    let result = program.run(&call(&request("")), &Budget::default());
    assert_eq!(line(&result), allow("\"policy0\""));
    assert!(runtime.compile(&source("permit(", "")).is_err());
}

//! What the attacker sends, by route.

use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::client::{Client, Request};
use crate::payloads::{self, BODY_BYTES, with_raw};
use crate::policies::{self, Weapon, echo, uri};
use writ_tests::schemas::{doubling, of_member, reference_chain};

const EXECUTE: &str = "/executor/builtin/execute_policy";

/// A request to a route that is as expensive or as odd as the route takes it.
#[derive(Clone)]
pub(crate) struct Attack {
    /// The name of the route.
    pub(crate) route: &'static str,
    pub(crate) name: String,
    /// The position among the attacks of its list.
    pub(crate) number: usize,
    pub(crate) request: Request,
    /// Whether each repeat has another idempotency key.
    pub(crate) is_keyed: bool,
}

/// What the attacker has in its workspace.
pub(crate) struct Arsenal {
    weapons: Vec<Weapon>,
    /// A run that does not end by itself.
    execution_id: String,
    /// A job that does not start for a day.
    pub(crate) job_id: String,
}

impl Arsenal {
    /// Registers the policies, runs one and submits a job.
    pub(crate) fn create(client: &Client) -> Result<Self, Failed> {
        let weapons = policies::register(client)?;
        let run = json!({"policy_rule_uri": uri("hang"), "input_data": {}});
        let run = client.expect(504, &Request::post(EXECUTE, &run))?;
        let job = json!({
            "name": "late", "policy_rule_uri": uri("echo"), "not_before": in_a_day()?,
        });
        let job = client.expect(201, &Request::post("/jobs/submit", &job))?;
        let text = |value: &Value, pointer: &str| -> Result<String, Failed> {
            let found = value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
            found.ok_or_else(|| Failed::from(format!("no {pointer}: {value}")))
        };
        Ok(Self {
            weapons,
            execution_id: text(&run, "/execution_id")?,
            job_id: text(&job, "/job_id")?,
        })
    }

    /// Every attack on every route.
    pub(crate) fn attacks(&self) -> Vec<Attack> {
        [self.policies(), self.runs(), self.jobs(), self.schedules(), access()].concat()
    }

    fn policies(&self) -> Vec<Attack> {
        let mut list = Builder::new("policy.create");
        list.keyed("chain of references", Request::post("/policy", &named(&chained())));
        list.keyed("doubling of settings", Request::post("/policy", &named(&settings(40))));
        let patterns = json!({"policy_parameters_schema": payloads::patterns()});
        list.keyed("many patterns", Request::post("/policy", &named(&patterns)));
        let mask = json!({"metadata": {"mask": payloads::mask(5_000)}});
        list.keyed("long mask", Request::post("/policy", &named(&mask)));
        let deep = json!({"metadata": {"n": "<raw>"}});
        let deep = with_raw(&named(&deep), &payloads::deep(500_000));
        list.add("deep metadata", Request::new("POST", "/policy").text(deep));
        for (language, code) in [
            ("python", format!("x = {}", payloads::deep(100_000))),
            ("python", format!("x = {}1", "-".repeat(200_000))),
            ("rego", format!("package a\nx := {}", payloads::deep(100_000))),
            ("cel", payloads::deep(100_000)),
            ("cedar", "permit(principal, action, resource);".repeat(40_000)),
            ("wasm", format!("(module {})", "(func)".repeat(200_000))),
        ] {
            let body = policies::policy("code", language, &code, &json!({}));
            list.add(&format!("code of {language}"), Request::post("/policy", &body));
        }

        list.route = "policy.update";
        let path = format!("/policy/{}", uri("echo"));
        let put = |body: &Value| Request::new("PUT", &path).text(body.to_string());
        list.add("chain of references", put(&named(&chained())));
        let schema = json!({"$set": {"policy_settings_schema": of_member(doubling(40))}});
        list.add("doubling", put(&schema));
        let push = json!({"$push": {"policy_parameters.l": {"$each": vec![1; 300_000]}}});
        list.add("many elements", put(&push));
        let long = vec!["a"; 50_000].join(".");
        list.add("deep path", put(&json!({"$set": {long: 1}})));
        list.add("wrong version", put(&push).header("If-Match: \"9-000000000000\"".to_owned()));

        list.route = "policy.get";
        for (name, path) in odd_paths("/policy/") {
            list.add(name, Request::get(&path));
        }
        let unknown: Vec<String> = (0..3_000).map(|n| format!("p{n}={n}")).collect();
        list.add("unknown parameters", Request::get(&format!("{path}?{}", unknown.join("&"))));

        list.route = "policy.delete";
        for (name, path) in odd_paths("/policy/") {
            list.add(name, Request::new("DELETE", &path));
        }
        list.add(
            "policy of another workspace",
            Request::new("DELETE", "/policy/python:1.0-honest"),
        );

        list.route = "policy.manage";
        let manage = format!("{path}/management");
        let hang = json!({"mgmt_action": "hang", "mgmt_data": {}});
        list.add("endless command", Request::post(&manage, &hang));
        let deep = with_raw(&json!({"mgmt_action": "hang", "mgmt_data": "<raw>"}), &deep_list());
        list.add("deep argument", Request::new("POST", &manage).text(deep));

        list.route = "policy.plan";
        let plan = format!("/policy/{}/plan", uri("hang"));
        for (name, more) in [("chain of references", chained()), ("doubling", settings(40))] {
            let body = json!({"policy": named(&more), "limit": 1_000});
            list.add(name, Request::post(&plan, &body));
        }
        let input = json!({"policy_input_schema": of_member(doubling(40))});
        list.add("doubling of inputs", Request::post(&plan, &json!({"policy": named(&input)})));
        let hang = policies::policy("p", "cel", "[1,2].all(x, true)", &json!({}));
        list.add("all records", Request::post(&plan, &json!({"policy": hang, "limit": 1_000})));

        list.route = "policy.query";
        list.queries("/policy/query");

        list.route = "policy.revisions";
        let token = "A".repeat(30_000);
        list.add(
            "large limit",
            Request::get(&format!("{path}/revisions?limit=99999999999999999999")),
        );
        list.add("long token", Request::get(&format!("{path}/revisions?next_token={token}")));

        list.route = "policy.revision";
        for number in ["18446744073709551616", "-1", "0", "1e9", "%00"] {
            list.add(number, Request::get(&format!("{path}/revisions/{number}")));
        }
        list.attacks
    }

    fn runs(&self) -> Vec<Attack> {
        let mut list = Builder::new("executor.execute_policy");
        for weapon in &self.weapons {
            let body = json!({"policy_rule_uri": weapon.uri, "input_data": "<raw>"});
            let body = with_raw(&body, &weapon.input);
            list.keyed(&weapon.uri, Request::new("POST", EXECUTE).text(body));
        }
        for (name, input) in documents() {
            let body =
                with_raw(&json!({"policy_rule_uri": uri("echo"), "input_data": "<raw>"}), &input);
            list.add(name, Request::new("POST", EXECUTE).text(body));
        }
        let parameters = json!({
            "policy_rule_uri": uri("echo"), "input_data": {},
            "parameters": payloads::members(200_000),
        });
        list.add("many parameters", Request::post(EXECUTE, &parameters));
        let on_behalf = format!("Writ-On-Behalf-Of: {}", "x".repeat(50_000));
        let run = json!({"policy_rule_uri": uri("echo"), "input_data": {}});
        list.add("long name", Request::post(EXECUTE, &run).header(on_behalf));
        let long = "k".repeat(50_000);
        let long = Request::post(EXECUTE, &run).header(format!("Idempotency-Key: {long}"));
        list.add("long key", long);

        list.route = "execution.query";
        list.queries("/executions/query");

        list.route = "execution.get";
        for (name, path) in odd_paths("/executions/") {
            list.add(name, Request::get(&path));
        }
        list.add("own record", Request::get(&format!("/executions/{}", self.execution_id)));

        list.route = "execution.replay";
        let replay = format!("/executions/{}/replay", self.execution_id);
        list.keyed("endless run", Request::new("POST", &replay));
        list.attacks
    }

    fn jobs(&self) -> Vec<Attack> {
        let mut list = Builder::new("jobs.submit");
        for weapon in &self.weapons {
            let body = json!({
                "name": "worst", "policy_rule_uri": weapon.uri, "inputs": "<raw>", "priority": 9,
                "timeout_seconds": 840, "max_attempts": 10,
            });
            let body = with_raw(&body, &weapon.input);
            list.keyed(&weapon.uri, Request::new("POST", "/jobs/submit/builtin").text(body));
        }
        for (name, input) in documents() {
            let body = json!({"name": "d", "policy_rule_uri": uri("echo"), "inputs": "<raw>"});
            let body = with_raw(&body, &input);
            list.add(name, Request::new("POST", "/jobs/submit/builtin").text(body));
        }

        list.route = "jobs.submit_any";
        let called = json!({
            "name": "c", "policy_rule_uri": uri("echo"), "callback_url": "https://192.0.2.1/never",
        });
        list.keyed("receiver that does not answer", Request::post("/jobs/submit", &called));
        let own = json!({
            "name": "c", "policy_rule_uri": uri("echo"), "callback_url": "http://127.0.0.1:22/",
        });
        list.keyed("receiver on this machine", Request::post("/jobs/submit", &own));
        let large = json!({
            "name": "d", "policy_rule_uri": uri("echo"), "inputs": "x".repeat(1 << 20),
            "policy_rule_parameters": payloads::members(50_000),
        });
        list.keyed("large job", Request::post("/jobs/submit", &large));

        list.route = "jobs.query";
        list.queries("/jobs/query");

        list.route = "jobs.redrive";
        list.keyed("everything", Request::post("/jobs/redrive?limit=1000", &json!({})));
        list.add(
            "deep filter",
            Request::new("POST", "/jobs/redrive").text(payloads::deep_filter(90_000)),
        );

        list.route = "jobs.callback_secret";
        list.add("secret", Request::get("/jobs/callbacks/secret"));
        list.route = "jobs.rotate_callback_secret";
        list.keyed("rotation", Request::new("POST", "/jobs/callbacks/secret"));

        let job = format!("/jobs/{}", self.job_id);
        list.route = "jobs.get";
        for (name, path) in odd_paths("/jobs/") {
            list.add(name, Request::get(&path));
        }
        list.add("endless wait", Request::get(&format!("{job}?wait=99999999999999999999s")));
        list.add("negative wait", Request::get(&format!("{job}?wait=-1")));

        list.route = "jobs.cancel";
        list.add("job of no workspace", Request::new("DELETE", "/jobs/0"));
        list.route = "jobs.retry";
        list.keyed("job that waits", Request::new("POST", &format!("{job}/retry")));
        list.route = "jobs.logs";
        list.add("long tail", Request::get(&format!("{job}/logs?tail=99999999999999999999")));
        list.attacks
    }

    fn schedules(&self) -> Vec<Attack> {
        let mut list = Builder::new("schedules.create");
        for (number, weapon) in self.weapons.iter().enumerate() {
            let input: Value = serde_json::from_str(&weapon.input).unwrap_or_default();
            let target = json!({"policy": {"policy_rule_uri": weapon.uri, "input_data": input}});
            let name = format!("worst-{number}");
            list.add(
                &weapon.uri,
                Request::post("/schedules", &scheduled(&name, "rate(1 minute)", &target)),
            );
        }
        let target = json!({"policy": {"policy_rule_uri": uri("hang"), "input_data": {}}});
        for (name, expression) in [
            ("every minute", "cron(* * * * ? *)".to_owned()),
            ("never", "cron(0 0 31 2 ? 2199)".to_owned()),
            ("long list", format!("cron({} * * * ? *)", vec!["0-59/1"; 10_000].join(","))),
            ("large rate", "rate(99999999999999999999 days)".to_owned()),
            ("far time", "at(9999-12-31T23:59:59)".to_owned()),
        ] {
            let body = scheduled(&name.replace(' ', "-"), &expression, &target);
            list.add(name, Request::post("/schedules", &body));
        }
        let deep = with_raw(&scheduled("deep", "rate(1 minute)", &json!("<raw>")), &deep_list());
        list.add("deep target", Request::new("POST", "/schedules").text(deep));

        list.route = "schedules.list";
        list.add("large limit", Request::get("/schedules?limit=99999999999"));
        list.add("all", Request::get("/schedules?limit=1000"));

        list.route = "schedules.query";
        list.queries("/schedules/query");

        list.route = "schedules.get";
        for (name, path) in odd_paths("/schedules/") {
            list.add(name, Request::get(&path));
        }

        list.route = "schedules.update";
        let put =
            |body: &Value| Request::new("PUT", "/schedules/every-minute").text(body.to_string());
        let past = json!({"$set": {"start_at": "1970-01-01T00:00:00Z", "catch_up": "all"}});
        list.add("fires of half a century", put(&past));
        list.add("many elements", put(&json!({"$set": {"target.job.inputs": vec![1; 300_000]}})));

        list.route = "schedules.delete";
        for (name, path) in odd_paths("/schedules/") {
            list.add(name, Request::new("DELETE", &path));
        }
        list.attacks
    }
}

fn access() -> Vec<Attack> {
    let mut list = Builder::new("access.whoami");
    for (name, token) in [
        ("long token", "x".repeat(40_000)),
        ("token without a signature", "eyJhbGciOiJub25lIn0.e30.".to_owned()),
        ("deep token", format!("{}.{}.x", "e".repeat(20_000), "w".repeat(20_000))),
    ] {
        let request = Request::get("/whoami").header(format!("Authorization: Bearer {token}"));
        list.add(name, request);
    }
    for header in
        ["X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1", "Writ-On-Behalf-Of: local-admin"]
    {
        list.add(header, Request::get("/whoami").header(header.to_owned()));
    }

    list.route = "token.create";
    let token = json!({"subject": "worst", "role": "admin"});
    list.keyed("many tokens", Request::post("/token", &token));
    let other = json!({"subject": "worst", "role": "admin", "workspace": "honest"});
    list.add("token of another workspace", Request::post("/token", &other));
    let long = json!({"subject": "x".repeat(1 << 20), "role": "admin"});
    list.add("long subject", Request::post("/token", &long));

    list.route = "token.list";
    list.add("own", Request::get("/token"));
    list.add("of another workspace", Request::get("/token?workspace=honest"));

    list.route = "token.revoke";
    for (name, path) in odd_paths("/token/") {
        list.add(name, Request::new("DELETE", &path));
    }
    list.attacks
}

/// A list of attacks under construction, on one route after the other.
struct Builder {
    route: &'static str,
    attacks: Vec<Attack>,
}

impl Builder {
    fn new(route: &'static str) -> Self {
        Self { route, attacks: Vec::new() }
    }

    fn add(&mut self, name: &str, request: Request) {
        self.push(name, request, false);
    }

    /// Adds an attack that gets another idempotency key each time.
    fn keyed(&mut self, name: &str, request: Request) {
        self.push(name, request, true);
    }

    fn push(&mut self, name: &str, request: Request, is_keyed: bool) {
        let (name, number) = (name.to_owned(), self.attacks.len());
        self.attacks.push(Attack { route: self.route, name, number, request, is_keyed });
    }

    /// What every query route gets.
    fn queries(&mut self, path: &str) {
        for (name, filter) in payloads::filters() {
            self.add(name, Request::new("POST", &format!("{path}?limit=1000")).text(filter));
        }
        let fields = vec!["a.b.c"; 5_000].join(",");
        let all = || Request::new("POST", path).text("{}");
        let with = |query: String| Request { path: format!("{path}?{query}"), ..all() };
        self.add("many fields", with(format!("projection={fields}")));
        self.add("many orders", with(format!("sort={fields}")));
        self.add("order without an index", with("sort=-input_data.n&limit=1000".to_owned()));
        self.add("long page token", with(format!("next_token={}", "A".repeat(40_000))));
    }
}

/// Inputs that cost much to read, whatever the policy does.
fn documents() -> Vec<(&'static str, String)> {
    vec![
        ("deep input", deep_list()),
        ("input of the most bytes", format!("\"{}\"", "x".repeat(BODY_BYTES - 200))),
        ("many members", payloads::members(250_000).to_string()),
        ("many numbers", payloads::list("0.1", 900_000)),
        ("long number", "9".repeat(1 << 20)),
        ("large exponent", "1e999999999".to_owned()),
        ("escapes", format!("\"{}\"", "\\u0000".repeat(600_000))),
        ("half a pair", "\"\\ud800\"".to_owned()),
    ]
}

fn deep_list() -> String {
    payloads::deep(BODY_BYTES / 2 - 200)
}

/// A policy that is new to the workspace.
fn named(more: &Value) -> Value {
    echo("new", more)
}

fn chained() -> Value {
    json!({"policy_input_schema": of_member(reference_chain(20_000))})
}

/// Stored values that the check of a policy holds against their schema.
fn settings(levels: usize) -> Value {
    let schema = of_member(doubling(levels));
    json!({"policy_settings_schema": schema, "policy_settings": {"n": 1}})
}

fn scheduled(name: &str, expression: &str, target: &Value) -> Value {
    json!({"name": name, "schedule_expression": expression, "target": target})
}

/// Paths that are long, escaped or lead elsewhere.
fn odd_paths(base: &str) -> Vec<(&'static str, String)> {
    vec![
        ("long path", format!("{base}{}", "a".repeat(60_000))),
        ("many segments", format!("{base}{}", "a/".repeat(30_000))),
        ("escapes", format!("{base}{}", "%2e%2e%2f".repeat(5_000))),
        ("dots", format!("{base}{}", "../".repeat(5_000))),
        ("no text", format!("{base}%ff%fe%00")),
        ("half an escape", format!("{base}%")),
    ]
}

/// The time of this day, tomorrow.
fn in_a_day() -> Result<String, Failed> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let at = i64::try_from(since.as_millis())? + 86_400_000;
    Ok(writ_model::Timestamp::from_ms(at).to_string())
}

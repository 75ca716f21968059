use std::future::Future;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use writ_model::run::{Call, CheckReport, Document, FailedRun, Failure, Method, Source};
use writ_model::{
    Cause, Digest, ErrorKind, ExecutionStatus, ExecutorId, Language, PolicyRule, PrincipalKind,
};
use writ_ports::Page;
use writ_schema::CompiledSchemas;

use super::*;

/// A log, and an engine that answers with a part of what it is asked.
struct Recorded {
    log: Vec<Execution>,
    answer: fn(&Call) -> Result<String, Failure>,
    calls: Mutex<Vec<Call>>,
    ticks_us: u64,
}

fn execution(number: usize, input: &str, output: &str) -> Execution {
    Execution {
        execution_id: format!("e{number}"),
        workspace: Workspace::default(),
        identity: "ada".to_owned(),
        principal_kind: PrincipalKind::Token,
        on_behalf_of: None,
        cause: Cause::Request,
        parent: None,
        idempotency_key: None,
        policy_rule_uri: "a:1-x".parse().unwrap(),
        revision: 1,
        digest: Digest::of(b"old"),
        source: "builtin".to_owned(),
        engine: Language::Rego,
        engine_version: "v".to_owned(),
        executor_id: ExecutorId::BUILTIN,
        mgmt_action: None,
        input_data: RawJson::parse(input).unwrap(),
        parameters: RawJson::parse(r#"{"list":["old"],"given":1}"#).unwrap(),
        overridden: vec!["given".to_owned()],
        precheck: None,
        context: None,
        started_at: Timestamp::from_ms(5),
        policy_time: Timestamp::from_ms(7),
        seed: 9,
        status: ExecutionStatus::Succeeded,
        output: Some(RawJson::parse(output).unwrap()),
        error: None,
        printed: String::new(),
        masked: Vec::new(),
        duration_us: 1,
        engine_us: 1,
        trace_id: None,
    }
}

fn failed_execution(number: usize, kind: ErrorKind) -> Execution {
    let error = Some(Error::new(kind, "because"));
    let status = ExecutionStatus::Failed;
    Execution { output: None, error, status, ..execution(number, "{}", "1") }
}

impl Recorded {
    fn new(log: Vec<Execution>, answer: fn(&Call) -> Result<String, Failure>) -> Self {
        Self { log, answer, calls: Mutex::default(), ticks_us: 0 }
    }

    fn plan(&self, limit: usize, next_token: Option<&str>) -> Plan {
        let policy = r#"{"name":"a","version":"2","release_tag":"x","code":"","code_type":"rego","policy_parameters":{"list":["new"]},"policy_input_schema":{"n":{"type":"number"}}}"#;
        let prepared = CompiledPolicy::new(PolicyRule::from_json(policy).unwrap()).unwrap();
        let order = PlanRequest {
            workspace: Workspace::default(),
            of: "a:1-x".parse().unwrap(),
            since: Some(Timestamp::from_ms(3)),
            limit,
            next_token: next_token.map(str::to_owned),
        };
        match pin!(plan(self, &prepared, order)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(plan) => plan.unwrap(),
            Poll::Pending => panic!("no port here waits"),
        }
    }
}

impl Evaluate for Recorded {
    async fn check(
        &self,
        _: &Workspace,
        _: Source,
        _: Vec<Document>,
    ) -> Result<CheckReport, Failure> {
        Ok(CheckReport::default())
    }

    async fn evaluate(
        &self,
        _: &str,
        source: Source,
        call: Call,
        _: Budget,
    ) -> Result<Outcome, FailedRun> {
        CompiledSchemas::compile(&source.schemas, |_| {})?.check_call(&call)?;
        let output = (self.answer)(&call)?;
        self.calls.lock().unwrap().push(call);
        Ok(Outcome {
            output: RawJson::parse(&output).unwrap(),
            printed: String::new(),
            context: None,
            coverage: None,
            engine_us: 1,
        })
    }

    fn version(&self, _: Language) -> &'static str {
        "test 1"
    }
}

impl QueryExecutions for Recorded {
    async fn query_executions(&self, _: &Workspace, query: &Query) -> Result<Page, Error> {
        let from = query.next_token.as_deref().map_or(0, |token| token.parse().unwrap());
        let text = |execution: &Execution| serde_json::to_string(execution).unwrap();
        let items: Vec<String> = self.log.iter().skip(from).take(query.limit).map(text).collect();
        for item in &items {
            assert!(query.filter.matches(&serde_json::from_str(item).unwrap()));
        }
        let end = from + items.len();
        let next_token = (end < self.log.len()).then(|| end.to_string());
        Ok(Page { items, next_token, reads: 1 })
    }
}

impl Clock for Recorded {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(0)
    }

    fn ticks_us(&self) -> u64 {
        self.ticks_us
    }
}

fn echo(call: &Call) -> Result<String, Failure> {
    let Method::Eval { input_data } = &call.method else { panic!() };
    Ok(input_data.as_str().to_owned())
}

#[test]
fn outcomes_are_compared_and_those_that_change_alike_are_counted_together() {
    let log = vec![
        execution(1, r#"{"allowed":true}"#, r#"{"allowed":true}"#),
        execution(2, r#"{"allowed":false,"n":1}"#, r#"{"allowed":true,"n":1}"#),
        execution(3, r#"{"allowed":false,"n":2}"#, r#"{"allowed":true,"n":2}"#),
        execution(4, r#"{"n":3}"#, r#"{"n":4}"#),
        execution(5, r#"{"n":"x"}"#, r#"{"n":"x"}"#),
        failed_execution(6, ErrorKind::PolicyRaised),
    ];
    let plan = Recorded::new(log, echo).plan(100, None);
    assert_eq!((plan.considered, plan.same, plan.changed), (6, 1, 5));
    let told: Vec<_> = plan
        .groups
        .iter()
        .map(|group| {
            let ids: Vec<_> = group.examples.iter().map(|one| one.execution_id.as_str()).collect();
            (group.count, group.changes[0].path.as_str(), ids.join(" "))
        })
        .collect();
    let expected = [
        (2, "/allowed", "e2 e3".to_owned()),
        (1, "/n", "e4".to_owned()),
        (1, "/n", "e5".to_owned()),
        (1, "/error", "e6".to_owned()),
    ];
    assert_eq!(told, expected);
    let violation = plan.groups[2].examples[0].is.value();
    assert_eq!(violation["error"]["kind"], "schema_violation");
}

#[test]
fn a_run_reads_what_the_first_one_read_and_the_new_stored_parameters() {
    let recorded = Recorded::new(vec![execution(1, "{}", "{}")], echo);
    recorded.plan(100, None);
    let calls = recorded.calls.into_inner().unwrap();
    assert_eq!(calls[0].parameters.as_str(), r#"{"list":["new"],"given":1}"#);
    assert_eq!((calls[0].now_ms, calls[0].seed, calls[0].rule_id.as_str()), (7, 9, "a:2-x"));
}

#[test]
fn what_was_masked_in_an_output_neither_shows_nor_counts_as_a_change() {
    let masked = |number, output| Execution {
        masked: vec!["/output/pin".to_owned()],
        ..execution(number, r#"{"pin":1234,"n":1}"#, output)
    };
    let log = vec![
        masked(1, r#"{"pin":"**masked**","n":1}"#),
        masked(2, r#"{"pin":"**masked**","n":2}"#),
    ];
    let plan = Recorded::new(log, echo).plan(100, None);
    assert_eq!((plan.same, plan.changed), (1, 1));
    assert_eq!(plan.groups[0].examples[0].is.as_str(), r#"{"pin":"**masked**","n":1}"#);
}

#[test]
fn what_cannot_be_run_again_is_told_with_its_reason() {
    let masked =
        Execution { masked: vec!["/input_data/pin".to_owned()], ..execution(1, "{}", "{}") };
    let log = vec![
        masked.clone(),
        Execution { execution_id: "e2".to_owned(), ..masked },
        failed_execution(3, ErrorKind::ExecutorFault),
    ];
    let plan = Recorded::new(log, echo).plan(100, None);
    assert_eq!((plan.considered, plan.same, plan.changed), (3, 0, 0));
    let told: Vec<_> =
        plan.skipped.iter().map(|one| (one.count, one.execution_id.as_str())).collect();
    assert_eq!(told, [(2, "e1"), (1, "e3")]);
}

#[test]
fn a_long_log_is_gone_through_page_by_page_and_every_execution_once() {
    let log: Vec<_> = (0..130).map(|number| execution(number, "{}", "{}")).collect();
    let recorded = Recorded::new(log, echo);
    let first = recorded.plan(60, None);
    assert_eq!((first.considered, first.next_token.as_deref()), (60, Some("60")));
    let rest = recorded.plan(1_000, Some("60"));
    assert_eq!((rest.considered, rest.next_token), (70, None));
}

#[test]
fn lost_engines_end_a_plan_instead_of_changing_outcomes() {
    let lost = |_: &Call| Err(Failure::WorkerLost { reason: "killed".to_owned() });
    let recorded = Recorded::new(vec![execution(1, "{}", "{}")], lost);
    let prepared = PolicyRule::from_json(
        r#"{"name":"a","version":"2","release_tag":"x","code":"","code_type":"rego"}"#,
    );
    let prepared = CompiledPolicy::new(prepared.unwrap()).unwrap();
    let order = PlanRequest {
        workspace: Workspace::default(),
        of: "a:1-x".parse().unwrap(),
        since: None,
        limit: 1,
        next_token: None,
    };
    let ended =
        pin!(plan(&recorded, &prepared, order)).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(Err(error)) = ended else { panic!("{ended:?}") };
    assert_eq!(error.kind, ErrorKind::ExecutorFault);
}

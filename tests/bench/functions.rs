//! The Lambda programs: their start, size, memory, and the time of a call without the store.

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::DeflateEncoder;
use serde_json::{Value, json};
use writ_runtime_api::{DynamoDb, Function, Launch, Outcome, Reply, StoredPolicy, event, process};

use writ_bench::sample::{HEAD, Sample, text};

const STARTS: usize = 30;
const REQUESTS: usize = 100;
const CALLS: usize = 1_000;
const TIME: Duration = Duration::from_secs(29);

/// Each program, one of its routes, and whether it has engines.
const PROGRAMS: [(&str, &str, bool); 7] = [
    ("access", "access.whoami", false),
    ("authorizer", "authorizer", false),
    ("executions", "execution.get", false),
    ("executions-replay", "execution.replay", true),
    ("executors", "executor.execute_policy", true),
    ("policies", "policy.get", false),
    ("policies-compile", "policy.create", true),
];

/// The tables of the Lambda programs.
pub(crate) fn report() -> Result<String, Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/lambda");
    let mut out =
        "## Lambda functions\n\nThe programs of `target/lambda`, as `infra/build` left them.\n\n"
            .to_owned();
    out += "| program | exec to first `/next`, p50 | processor time of it, p50 | of it until the engines are ready, p50 | file | zip | resident at \
            first `/next` | with its processes | after 100 requests |\n|---|---|---|---|---|---|---|---|---|\n";
    for (name, handler, has_engines) in PROGRAMS {
        let program = folder.join(name).join("bootstrap");
        if !program.exists() {
            return Err(
                format!("there is no `{}`: run `infra/build` first", program.display()).into()
            );
        }
        out += &row(name, handler, has_engines, &program)?;
    }
    out += "\nBounds: 10 ms to the first `/next`, network and worker start aside; a zip of 5 MB, 12 MB with \
            engines. The store is on loopback and opening a connection to it costs its time. A program with \
            engines starts them before it connects: the third column ends there. Processor time is of all its \
            processes, and other work on the machine does not lengthen it. Memory is resident set size \
            of the function's process, then the proportional set size of it and all its workers.\n\n";
    out += &calls(&folder.join("policies/bootstrap"))?;
    Ok(out)
}

fn row(
    name: &str,
    handler: &str,
    has_engines: bool,
    program: &Path,
) -> Result<String, Box<dyn Error>> {
    let store = store()?;
    if handler.starts_with("execution.") {
        // The emulator has a policy under every key, so answer without a record.
        store.set_replies("GetItem", [Reply::Success(json!({}))]);
    }
    let launch = Launch::new(program, handler)
        .with("AWS_ENDPOINT_URL", &store.url())
        .with("WRIT_ALLOW_WEAK_SANDBOX", "true");
    let (mut ready, mut computed, mut connected) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let warmed_up = store.warm_ups().len();
        let begun = Instant::now();
        let mut function = launch.clone().start()?;
        ready.push(function.wait_until_ready()?);
        let all = process::descendants(function.pid()).into_iter().chain([function.pid()]);
        computed.push(all.map(process::cpu_time).sum());
        let warm_ups = store.warm_ups();
        connected.extend(warm_ups.get(warmed_up).map(|at| at.saturating_duration_since(begun)));
    }
    let mut function = launch.start()?;
    function.wait_until_ready()?;
    let pid = function.pid();
    let (alone, all) = (process::resident_kib(pid), whole_kib(pid));
    let event = event_of(handler).to_string();
    for _ in 0..REQUESTS {
        invoke(&mut function, &event)?;
    }
    let bytes = std::fs::read(program)?;
    let mut zip = DeflateEncoder::new(Vec::new(), Compression::new(9));
    zip.write_all(&bytes)?;
    let zipped = zip.finish()?.len();
    let engines =
        if has_engines { text(Sample::from(connected).p50()) } else { "no engines".to_owned() };
    Ok(format!(
        "| `{name}` | {} | {} | {engines} | {} | {} | {} | {} | {}, {} with its processes |\n",
        text(Sample::from(ready).p50()),
        text(Sample::from(computed).p50()),
        mb(bytes.len()),
        mb(zipped),
        mb(kib(alone)),
        mb(kib(all)),
        mb(kib(process::resident_kib(pid))),
        mb(kib(whole_kib(pid))),
    ))
}

fn kib(kib: u64) -> usize {
    usize::try_from(kib * 1024).unwrap_or(usize::MAX)
}

fn mb(bytes: usize) -> String {
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let mb = bytes as f64 / 1e6;
    format!("{mb:.1} MB")
}

/// The memory of the process and its descendants, in KiB.
fn whole_kib(pid: u32) -> u64 {
    let all = process::descendants(pid).into_iter().chain([pid]);
    all.map(process::proportional_kib).sum()
}

/// The time of a call in the function, and the part of it that the store takes.
fn calls(program: &Path) -> Result<String, Box<dyn Error>> {
    let store = store()?;
    let mut function =
        Launch::new(program, "policy.get").with("AWS_ENDPOINT_URL", &store.url()).start()?;
    function.wait_until_ready()?;
    let event = event_of("policy.get").to_string();
    let mut outside = Vec::new();
    let mut computed = Duration::ZERO;
    for call in 0..CALLS + CALLS / 10 {
        let took = invoke(&mut function, &event)?;
        if call == CALLS / 10 {
            computed = process::cpu_time(function.pid());
        }
        if call >= CALLS / 10 {
            outside.push(took);
        }
    }
    let computed = process::cpu_time(function.pid()).saturating_sub(computed);
    let inside: Vec<Duration> = durations(&mut function)?.split_off(CALLS / 10);
    let store_calls = round_trips(&store)?;
    let (outside, inside) = (Sample::from(outside), Sample::from(inside));
    let own = inside.p50().saturating_sub(store_calls.p50());
    let mut table = format!("### A warm call of `policy.get`\n\n{HEAD}");
    table += &outside.row("from handing out the event to having the answer", "");
    table += &inside.row("in the function: its metric `Duration`", "");
    table += &store_calls.row("its two calls of the store, sent by a bare socket", "");
    table += &format!(
        "| the difference of the last two: the handler's own time | {} |  | 150 µs |\n",
        text(own)
    );
    let calls = u32::try_from(CALLS).unwrap_or(u32::MAX);
    table += &format!(
        "| processor time of the function's process per call, on average | {} |  |  |\n",
        text(computed.checked_div(calls).unwrap_or_default())
    );
    table += "\nThe handler's own time so holds all that the SDK does for two calls: serialise, sign, send, parse. \
              Processor time holds the Runtime API's side as well: taking the event, sending the answer.\n";
    Ok(table)
}

/// The metric `Duration` of each request, in order.
fn durations(function: &mut Function) -> Result<Vec<Duration>, Box<dyn Error>> {
    // The last line may not be written yet.
    let last = format!("{:012x}", CALLS + CALLS / 10);
    function.wait_for_line(|line| line.contains("\"_aws\"") && line.contains(&last))?;
    let durations = function.log().into_iter().filter_map(|line| {
        let line: Value = serde_json::from_str(&line).ok()?;
        Some(Duration::from_secs_f64(line.pointer("/Duration")?.as_f64()? / 1_000.0))
    });
    Ok(durations.collect())
}

/// Both calls of a `policy.get` over one open connection, one after the other.
fn round_trips(store: &DynamoDb) -> Result<Sample, Box<dyn Error>> {
    let address = store.url();
    let mut stream = TcpStream::connect(address.trim_start_matches("http://"))?;
    stream.set_nodelay(true)?;
    let (calls, replies) = (["GetItem", "Query"], stored_policy()?.replies());
    let mut reply = vec![0; 64 << 10];
    let mut both = || {
        for (operation, (_, value)) in calls.iter().zip(&replies) {
            let head =
                format!("POST / HTTP/1.1\r\nx-amz-target: DynamoDB_20120810.{operation}\r\n");
            stream.write_all(format!("{head}content-length: 2\r\n\r\n{{}}").as_bytes())?;
            let (body, mut read) = (value.to_string(), 0);
            while !reply.get(..read).unwrap_or_default().ends_with(body.as_bytes()) {
                let rest = reply.get_mut(read..).unwrap_or_default();
                let more = stream.read(rest)?;
                if more == 0 {
                    return Err("the store ended".into());
                }
                read += more;
            }
        }
        Ok::<_, Box<dyn Error>>(())
    };
    Sample::of(CALLS, &mut both)
}

fn invoke(function: &mut Function, event: &str) -> Result<Duration, Box<dyn Error>> {
    let reply = function.invoke(event, TIME)?;
    match reply.outcome {
        Outcome::Response(answer) if is_good(&answer) => Ok(reply.duration),
        outcome => Err(format!("{outcome:?}").into()),
    }
}

fn is_good(answer: &Value) -> bool {
    let status = answer.pointer("/statusCode").and_then(Value::as_u64);
    // The authorizer's answer has no status.
    status.is_none_or(|status| (200..300).contains(&status) || status == 404)
}

fn stored_policy() -> Result<StoredPolicy, Box<dyn Error>> {
    let document = json!({
        "name": "p", "version": "1", "release_tag": "x", "code_type": "rego", "code": "package p\n\nallow := true\n",
    });
    Ok(StoredPolicy::new(&document)?)
}

fn store() -> Result<DynamoDb, Box<dyn Error>> {
    let store = DynamoDb::start()?;
    for (operation, reply) in stored_policy()?.replies() {
        store.set_replies(operation, [Reply::Success(reply)]);
    }
    for operation in ["PutItem", "TransactWriteItems"] {
        store.set_replies(operation, [Reply::Success(json!({}))]);
    }
    Ok(store)
}

/// An event that each program answers well over [`store`].
fn event_of(handler: &str) -> Value {
    let call = |method, path, params: &[(&str, &str)], body: Option<Value>| {
        event::http_api(handler, method, path, params, body.as_ref())
    };
    match handler {
        "policy.get" => call("GET", "/policy/{uri}", &[("uri", "p:1-x")], None),
        "policy.create" => {
            let policy = json!({"name": "p", "version": "1", "release_tag": "x", "code_type": "rego", "code": "package p\n\nallow := true\n"});
            call("POST", "/policy", &[], Some(policy))
        }
        "executor.execute_policy" => {
            let order = json!({"policy_rule_uri": "p:1-x", "input_data": {}});
            let path = "/executor/{executor_id}/execute_policy";
            call("POST", path, &[("executor_id", "builtin")], Some(order))
        }
        "authorizer" => {
            json!({"routeKey": "GET /policy/{uri}", "headers": {"authorization": "Bearer x"}})
        }
        "access.whoami" => call("GET", "/whoami", &[], None),
        "execution.get" => call("GET", "/executions/{id}", &[("id", "e1")], None),
        _ => call("POST", "/executions/{id}/replay", &[("id", "e1")], None),
    }
}

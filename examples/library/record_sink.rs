//! Writes the record of every run to a file, one JSON document on each line. The policy masks the
//! address of its input, so no record has it.
//!
//! ```text
//! cargo run -p writ --example record_sink
//! ```

use std::error::Error;
use std::fs::File;
use std::io::Write as _;
use std::sync::Mutex;

use writ::{EngineConfig, ErrorKind, Execution, Policy, RecordSink, Writ};

const POLICY: &str = r#"{
    "name": "ip_allowlist", "version": "1.0", "release_tag": "beta", "code_type": "cel",
    "code": "{\"allowed\": \"input.ip in parameters.allowlist\"}",
    "policy_parameters": {"allowlist": ["10.0.0.1"]},
    "metadata": {"mask": ["/input_data/ip"]}
}"#;

/// A file of records in the format NDJSON.
struct RecordFile(Mutex<File>);

impl RecordSink for RecordFile {
    fn record(&self, record: &Execution) -> Result<(), writ::Error> {
        let mut line = serde_json::to_vec(record).map_err(writ::Error::internal)?;
        line.push(b'\n');
        let mut file = self.0.lock().map_err(writ::Error::internal)?;
        // An error here fails the run: no decision is made without a record.
        file.write_all(&line)
            .map_err(|error| writ::Error::new(ErrorKind::Unavailable, error.to_string()))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // First statement of `main`: policies run in worker processes, started from this binary.
    writ::init();
    let path = std::env::temp_dir().join(format!("writ-records-{}.ndjson", std::process::id()));
    let sink = RecordFile(Mutex::new(File::create(&path)?));
    let writ = Writ::start(EngineConfig::default())?.with_record_sink(sink);
    let policy = Policy::from_json(POLICY)?;
    for input in [r#"{"ip": "10.0.0.1"}"#, r#"{"ip": "192.0.2.1"}"#] {
        let run = writ.run(&policy, input, None)?;
        println!("{input} -> {}", run.output()?.as_str());
    }

    let records = std::fs::read_to_string(&path)?;
    std::fs::remove_file(&path)?;
    println!("records:");
    for line in records.lines() {
        let record: Execution = serde_json::from_str(line)?;
        let output = record.output.as_ref().map_or("none", |output| output.as_str());
        println!("{} {} -> {output}", record.policy_rule_uri, record.input_data.as_str());
    }
    Ok(())
}

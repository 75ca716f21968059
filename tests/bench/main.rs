//! Measures what the design sets bounds for and prints a Markdown report.
//!
//! ```text
//! cargo bench -p writ-bench
//! ```
//!
//! What a decision costs in each language is measured apart, in `engines`.
//!
//! Sections may be named: `cargo bench -p writ-bench -- serving queries`. The section `lambda`
//! measures what `infra/build` (or `infra/build --release`) has built.
//!
//! Figures are of one machine at one time: compare rows of one report, not of two reports.

mod functions;
mod job_queue;
mod job_units;
mod jobs;
mod queries;
mod served;
mod serving;

use std::error::Error;
use std::net::SocketAddr;

/// Serves the platform in this process: the argument that starts it, then a data directory.
const SERVE: &str = "serve";

fn main() -> Result<(), Box<dyn Error>> {
    writ::init();
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some(SERVE) {
        return serve(arguments.next().ok_or("a data directory")?.as_ref());
    }
    println!("# Benchmarks\n");
    println!(
        "Repeat with `cargo bench -p writ-bench`, on a quiet machine; it prints these tables.\n"
    );
    println!("{}", writ_bench::machine::description());
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|name| !name.starts_with('-')).collect();
    let wants = |name: &str| wanted.is_empty() || wanted.iter().any(|other| other == name);
    if wants("serving") {
        println!("{}", serving::report()?);
    }
    if wants("queries") {
        queries::report()?;
    }
    if wants("jobs") {
        println!("{}", job_units::report()?);
        jobs::report()?;
        job_queue::report()?;
    }
    if wants("lambda") {
        println!("{}", functions::report()?);
    }
    Ok(())
}

fn serve(directory: &std::path::Path) -> Result<(), Box<dyn Error>> {
    let config = writ_embedded::Config {
        data: writ_embedded::DataLocation::Directory(directory.to_owned()),
        address: SocketAddr::from(([127, 0, 0, 1], 0)),
        allow_weak_sandbox: false,
        oidc: None,
        job_runners: None,
        require_token: false,
        callbacks_to: Default::default(),
    };
    let ready = |ready: &writ_embedded::ServerInfo| println!("{}", ready.address);
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(writ_embedded::up(config, ready, std::future::pending()))?;
    Ok(())
}

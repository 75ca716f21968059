//! Measures what a decision costs in each language and prints a Markdown report.
//!
//! ```text
//! cargo bench -p writ-bench-engines
//! ```
//!
//! Figures are of one machine at one time; compare rows of one report, not of two.

mod decisions;
#[path = "../machine.rs"]
mod machine;
#[path = "../sample.rs"]
#[allow(dead_code, reason = "the other benchmarks have tables of their own")]
mod sample;

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    writ::init();
    println!("{}", machine::description());
    println!("{}", decisions::report()?);
    Ok(())
}

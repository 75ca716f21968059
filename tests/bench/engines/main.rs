//! Measures what a decision costs in each language and prints a Markdown report.
//!
//! ```text
//! cargo bench -p writ-bench-engines
//! ```
//!
//! `cargo bench -p writ-bench-engines -- attacks` measures instead what attacks cost another
//! workspace; further words select the attacks with one of them in their name, as
//! `-- attacks rego: cel:`.
//!
//! Figures are of one machine at one time; compare rows of one report, not of two.

mod attacks;
mod decisions;

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    writ::init();
    println!("{}", writ_bench::machine::description());
    let mut words = std::env::args().skip(1).filter(|word| !word.starts_with('-'));
    match words.next().as_deref() {
        Some("attacks") => println!("{}", attacks::report(&words.collect::<Vec<_>>())?),
        _ => println!("{}", decisions::report()?),
    }
    Ok(())
}

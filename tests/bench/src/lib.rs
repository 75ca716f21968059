//! What both sets of benchmarks print: the machine that they ran on, and rows of durations.

pub mod machine;
pub mod sample;

//! The measurement that both programs share: the same module, argument and steps.

use std::time::{Duration, Instant};

/// Addresses on the allow-list; the input has the last of them.
const ADDRESSES: usize = 100;
/// Rounds of one batch, and batches: the lowest one counts, since other processes use the machine.
const ROUNDS: u32 = 200;
const BATCHES: u32 = 30;

/// The argument of the policy: an allow-list, and an address on it.
pub fn argument() -> String {
    let list: Vec<String> =
        (0..ADDRESSES).map(|n| format!("\"10.0.{}.{}\"", n / 256, n % 256)).collect();
    let last = format!("10.0.0.{}", ADDRESSES - 1);
    format!(
        r#"{{"rule_id":"ip_allowlist:1.0-beta","settings":{{"remote_allowlist":[]}},"parameters":{{"local_allowlist":[{}]}},"input":{{"ip":"{last}"}}}}"#,
        list.join(",")
    )
}

/// The expected output of the policy.
pub fn expected() -> String {
    let last = format!("10.0.0.{}", ADDRESSES - 1);
    format!(r#"{{"allowed":true,"input_data":{{"ip":"{last}"}},"reason":"allowed"}}"#)
}

/// The lowest mean of a batch.
pub fn lowest(mut round: impl FnMut()) -> Duration {
    round();
    (0..BATCHES)
        .map(|_| {
            let started = Instant::now();
            (0..ROUNDS).for_each(|_| round());
            started.elapsed() / ROUNDS
        })
        .min()
        .unwrap_or_default()
}

/// The time of work that is done once, the lowest of ten.
pub fn once<T>(mut work: impl FnMut() -> T) -> (Duration, T) {
    let mut timed = || {
        let started = Instant::now();
        let made = work();
        (started.elapsed(), made)
    };
    (1..10).fold(timed(), |best, _| {
        let next = timed();
        if next.0 < best.0 { next } else { best }
    })
}

/// One line of the result.
pub fn report(engine: &str, what: &str, time: Duration) {
    println!("{engine:<18} {what:<34} {:>9.1} µs", time.as_nanos() as f64 / 1000.0);
}

/// The module that is named on the command line.
pub fn module() -> Vec<u8> {
    let path = std::env::args().nth(1).expect("the path of a module");
    std::fs::read(path).expect("a module that can be read")
}

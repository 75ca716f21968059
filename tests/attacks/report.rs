//! The costs of the attacks, printed for information: no figure makes a test fail.

use std::sync::Mutex;
use std::time::Duration;

use writ_model::Language;

use crate::watch::Peak;

/// The costs of one attack.
pub(crate) struct Cost {
    pub(crate) language: Language,
    pub(crate) name: String,
    pub(crate) ended: String,
    /// Time from the call to the reply beyond the budget; `None` if it ended before.
    pub(crate) late: Option<Duration>,
    pub(crate) peak: Peak,
    /// The budget of memory, in bytes.
    pub(crate) memory: u64,
    /// The longest time that a caller in another workspace has waited meanwhile.
    pub(crate) others: Duration,
}

static COSTS: Mutex<Vec<Cost>> = Mutex::new(Vec::new());

pub(crate) fn record(cost: Cost) {
    COSTS.lock().unwrap().push(cost);
}

/// Prints the worst attacks of each language, or all of them.
pub(crate) fn print(everything: bool) {
    let costs = COSTS.lock().unwrap();
    if costs.is_empty() {
        return;
    }
    println!("time beyond the budget, memory beyond an idle worker (reserved, resident; budget),");
    println!("and the longest wait of another workspace's caller:");
    let line = |cost: &Cost| {
        let late = cost
            .late
            .map_or_else(|| "in time".to_owned(), |late| format!("+{} ms", late.as_millis()));
        let mib = |bytes: u64| bytes >> 20;
        println!(
            "  {:<7} {:<50} {:<28.28} {late:>9} {:>4} {:>4} of {:>3} MiB {:>5} ms",
            cost.language.name(),
            cost.name,
            cost.ended,
            mib(cost.peak.beyond_idle(cost.memory)),
            mib(cost.peak.resident),
            mib(cost.memory),
            cost.others.as_millis(),
        );
    };
    for language in Language::ALL {
        let of_language: Vec<&Cost> =
            costs.iter().filter(|cost| cost.language == language).collect();
        if everything {
            of_language.iter().for_each(|cost| line(cost));
            continue;
        }
        of_language.iter().max_by_key(|cost| cost.late).into_iter().for_each(|cost| line(cost));
        let memory = of_language.iter().max_by_key(|cost| cost.peak.beyond_idle(cost.memory));
        memory.into_iter().for_each(|cost| line(cost));
    }
}

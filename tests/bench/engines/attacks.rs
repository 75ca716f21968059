//! Decisions of another workspace during an attack: the worst attacks on each language, by as many
//! callers as one policy may have workers, beside one honest caller of the same language.

use std::error::Error;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use writ::EngineConfig;
use writ_engine::Engine;
use writ_model::run::Budget;

use writ_bench::sample::{Sample, text};
use writ_tests::attacks::{Battery, Case, batteries};

const RUNS: usize = 1_000;
/// Callers do not call back to back, and an idle caller is what an attack may delay.
const PAUSE: Duration = Duration::from_millis(1);
/// The time until the attackers have their workers.
const LEAD: Duration = Duration::from_millis(500);

/// The table of attacks. A word in `names` selects the attacks with the word in their name.
pub(crate) fn report(names: &[String]) -> Result<String, Box<dyn Error>> {
    let config = EngineConfig::default();
    let attackers = config.workers_per_policy_max;
    let mut table = format!(
        "## Beside an attack\n\nAn honest caller in another workspace, alone and beside {attackers} \
         callers of an attack (at most {} workers):\n\n\
         | attack | p50 alone | beside | ratio | p99 alone | beside | ratio |\n\
         |---|---|---|---|---|---|---|\n",
        config.workers_max,
    );
    for battery in batteries() {
        let engine = Arc::new(Engine::start(config.clone())?);
        let alone = honest(&engine, &battery)?;
        for case in battery.cases.iter().filter(|case| case.worst) {
            let name = format!("{}: {}", battery.language, case.name);
            if !names.is_empty() && !names.iter().any(|word| name.contains(word)) {
                continue;
            }
            let attack = Attack::start(&engine, &battery, case, attackers);
            std::thread::sleep(LEAD);
            let beside = honest(&engine, &battery);
            attack.finish();
            row(&mut table, &name, &alone, &beside?)?;
        }
    }
    Ok(table)
}

fn honest(engine: &Engine, battery: &Battery) -> Result<Sample, Box<dyn Error>> {
    let source = battery.canary.source(battery.language);
    let (call, budget) = (battery.canary.call(), Budget::default());
    let mut taken = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let started = Instant::now();
        let outcome = engine.run("honest", &source, &call, &budget)?;
        taken.push(started.elapsed());
        if outcome.output.as_str() != battery.canary.answer {
            return Err(format!("{}: {:?}", battery.language, outcome.output).into());
        }
        std::thread::sleep(PAUSE);
    }
    Ok(Sample::from(taken))
}

fn row(table: &mut String, name: &str, alone: &Sample, beside: &Sample) -> std::fmt::Result {
    write!(table, "| {name} |")?;
    for (alone, beside) in [(alone.p50(), beside.p50()), (alone.p99(), beside.p99())] {
        let ratio = beside.as_secs_f64() / alone.as_secs_f64();
        write!(table, " {} | {} | {ratio:.1} |", text(alone), text(beside))?;
    }
    table.push('\n');
    Ok(())
}

/// Callers that attack again and again.
struct Attack {
    stop: Arc<AtomicBool>,
    callers: Vec<std::thread::JoinHandle<()>>,
}

impl Attack {
    fn start(engine: &Arc<Engine>, battery: &Battery, case: &Case, callers: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let attacker = || {
            let (engine, stop) = (Arc::clone(engine), Arc::clone(&stop));
            let (source, call) = (case.source(battery.language), case.call());
            let attack = move || {
                while !stop.load(Ordering::Relaxed) {
                    // The run is expected to fail.
                    let _ = engine.run("attacker", &source, &call, &Budget::default());
                }
            };
            std::thread::spawn(attack)
        };
        Self { callers: (0..callers).map(|_| attacker()).collect(), stop }
    }

    fn finish(self) {
        self.stop.store(true, Ordering::Relaxed);
        for caller in self.callers {
            // A caller that panicked has printed its message.
            let _ = caller.join();
        }
    }
}

//! Each attack by itself: while it runs, and after it, an honest workspace is served.

use std::io::Read as _;

use libtest_mimic::{Failed, Trial};

use crate::WRIT;
use crate::attacker::keyed;
use crate::attacks::{Arsenal, Attack};
use crate::client::Client;
use crate::connections::{self, HostileConnection};
use crate::fail;
use crate::honest::Honest;
use crate::neighbour::is_healthy;
use writ_tests::server::Server;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("alone::every_attack_leaves_others_served", every_attack),
        Trial::test("alone::every_hostile_connection_leaves_others_served", every_connection),
    ]
}

/// A server with both workspaces.
struct Stage {
    server: Server,
    attacker: Client,
    arsenal: Arsenal,
    honest: Honest,
}

impl Stage {
    fn start() -> Result<Self, Failed> {
        let server = Server::start(WRIT)?;
        let attacker = Client::create(&server, "attacker", "admin")?;
        let arsenal = Arsenal::create(&attacker)?;
        let honest = Honest::create(Client::create(&server, "honest", "author")?)?;
        honest.round()?;
        Ok(Self { server, attacker, arsenal, honest })
    }

    /// Whether the honest workspace is served.
    fn check(&self) -> Result<(), Failed> {
        self.honest.round()?;
        if is_healthy(&self.server) { Ok(()) } else { fail("no health check is answered") }
    }

    /// Sends the attack several times at once, so that the platform has no thread left where each of
    /// them keeps one.
    fn attack(&self, attack: &Attack) -> Result<(), Failed> {
        let copies = std::thread::available_parallelism().map_or(1, usize::from) + 1;
        std::thread::scope(|scope| {
            let send = |copy: usize| {
                let request = keyed(attack, &format!("{}-{}-{copy}", attack.route, attack.number));
                scope.spawn(move || self.attacker.send(&request).map(|(status, _)| status))
            };
            let attacking: Vec<_> = (0..copies).map(send).collect();
            self.check()?;
            for attacking in attacking {
                // The server may close the connection of a request that it refuses.
                if let Ok(500) = attacking.join().map_err(|_| "a thread panicked")? {
                    return fail("an internal error");
                }
            }
            if is_healthy(&self.server) { Ok(()) } else { fail("no health check is answered") }
        })
    }

    fn hold(&self, kind: &HostileConnection) -> Result<(), Failed> {
        let streams: Result<Vec<_>, _> =
            (0..kind.count).map(|_| kind.open(&self.attacker)).collect();
        self.check()?;
        for mut stream in streams? {
            // Whatever was answered; a connection may be open still.
            let _ = stream.read(&mut [0; 1_024]);
        }
        self.check()
    }
}

/// Sends each attack. One that stops the platform gets it a new server, so that each one is known by
/// itself.
fn every_attack() -> Result<(), Failed> {
    let mut stage = Stage::start()?;
    let mut failures = Vec::new();
    for attack in stage.arsenal.attacks() {
        if let Err(error) = stage.attack(&attack) {
            let error = error.message().unwrap_or_default();
            failures.push(format!("{}, {}: {error}", attack.route, attack.name));
            stage = Stage::start()?;
        }
    }
    if failures.is_empty() { Ok(()) } else { fail(failures.join("\n")) }
}

fn every_connection() -> Result<(), Failed> {
    let mut stage = Stage::start()?;
    let mut failures = Vec::new();
    for kind in connections::kinds(&stage.attacker, &stage.arsenal) {
        if let Err(error) = stage.hold(&kind) {
            failures.push(format!("{}: {}", kind.name, error.message().unwrap_or_default()));
            stage = Stage::start()?;
        }
    }
    if failures.is_empty() { Ok(()) } else { fail(failures.join("\n")) }
}

//! Connections that are held, that send half of a request, or that read slowly.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Scope;
use std::time::Duration;

use serde_json::json;

use crate::attacker::Tally;
use crate::attacks::Arsenal;
use crate::client::{Client, HOLDER, Request, become_user};
use crate::policies::uri;

/// The time between two steps of a slow client.
const STEP: Duration = Duration::from_millis(100);

/// A kind of hostile connection.
pub(crate) struct HostileConnection {
    pub(crate) name: &'static str,
    /// Connections of the kind at the same time.
    pub(crate) count: usize,
    /// What is sent at once.
    pub(crate) first: Vec<u8>,
    /// What is sent in small parts afterwards, again and again.
    drip: &'static [u8],
    /// Bytes of the reply that are read at each step.
    read: usize,
}

/// Every kind of hostile connection.
pub(crate) fn kinds(client: &Client, arsenal: &Arsenal) -> Vec<HostileConnection> {
    let kind = |name, count, first: Vec<u8>| HostileConnection {
        name,
        count,
        first,
        drip: b"",
        read: 64 << 10,
    };
    let run = json!({"policy_rule_uri": uri("state"), "input_data": {"n": 1}});
    let run = Request::post("/executor/builtin/execute_policy", &run).bytes(client);
    let large = Request::post("/executions/query?limit=1000", &json!({})).bytes(client);
    let poll = Request::get(&format!("/jobs/{}?wait=20s", arsenal.job_id)).bytes(client);
    let half = |bytes: usize| {
        let body = Request::new("POST", "/policy").text(vec![b' '; bytes]).bytes(client);
        body.get(..2_000).unwrap_or_default().to_vec()
    };
    let head =
        |line: &str| format!("POST /policy HTTP/1.1\r\nHost: a\r\n{line}\r\n\r\n").into_bytes();
    vec![
        HostileConnection {
            drip: b"X-Slow: 1\r\n",
            ..kind("half a head", 270, b"GET /whoami HTTP/1.1\r\nHo".to_vec())
        },
        HostileConnection { drip: b" ", ..kind("half a body", 40, half(60_000)) },
        // Few: they keep the places of the workspace's own large requests.
        HostileConnection { drip: b" ", ..kind("half a large body", 1, half(4 << 20)) },
        HostileConnection { read: 1, ..kind("slow reader", 20, large) },
        kind("long poll", 80, poll),
        kind("pipeline of runs", 2, run.repeat(200)),
        kind(
            "pipeline of health checks",
            2,
            b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n".repeat(5_000),
        ),
        kind("two lengths", 1, head("Content-Length: 3\r\nContent-Length: 4")),
        kind("length and chunks", 1, head("Content-Length: 3\r\nTransfer-Encoding: chunked")),
        kind(
            "endless chunk",
            1,
            [&head("Transfer-Encoding: chunked")[..], b"FFFFFFFFFFFFFFFF\r\nx"].concat(),
        ),
        kind("many header lines", 1, head(&"A: b\r\n".repeat(5_000))),
        kind("large head", 1, head(&format!("A: {}", "b".repeat(1 << 20)))),
        kind("another protocol", 1, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x12\x04".to_vec()),
        kind("TLS", 1, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".repeat(100)),
    ]
}

/// Keeps the connections of every kind open until `stop`, on four threads.
pub(crate) fn open_all<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    client: &'env Client,
    arsenal: &'env Arsenal,
    stop: &'env AtomicBool,
    tally: &'env Tally,
) {
    const THREADS: usize = 4;
    for thread in 0..THREADS {
        scope.spawn(move || {
            become_user(HOLDER);
            let mut open: Vec<(HostileConnection, Vec<TcpStream>)> = kinds(client, arsenal)
                .into_iter()
                .skip(thread)
                .step_by(THREADS)
                .map(|kind| (kind, Vec::new()))
                .collect();
            while !stop.load(Ordering::Relaxed) {
                for (kind, streams) in &mut open {
                    streams.retain_mut(|stream| kind.step(stream));
                    while streams.len() < kind.count && !stop.load(Ordering::Relaxed) {
                        let Ok(stream) = kind.open(client) else { break };
                        tally.connections.fetch_add(1, Ordering::Relaxed);
                        streams.push(stream);
                    }
                }
                std::thread::sleep(STEP);
            }
        });
    }
}

impl HostileConnection {
    /// Opens a connection and sends as much as the server takes at once.
    pub(crate) fn open(&self, client: &Client) -> std::io::Result<TcpStream> {
        let mut stream = client.connect()?;
        stream.set_nonblocking(true)?;
        // What the server does not take at once, it does not get.
        let _ = stream.write(&self.first);
        Ok(stream)
    }

    /// One step of an open connection; `false` when the server has closed it.
    fn step(&self, stream: &mut TcpStream) -> bool {
        if !self.drip.is_empty() && stream.write(self.drip).is_err() {
            return false;
        }
        match stream.read(&mut vec![0; self.read]) {
            Ok(count) => count > 0,
            Err(error) => error.kind() == std::io::ErrorKind::WouldBlock,
        }
    }
}

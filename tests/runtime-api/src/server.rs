//! A TCP server on loopback with a thread for each connection.

use std::io::{BufReader, Result};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A running server. Dropping it closes its port and all of its connections.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    is_shut_down: AtomicBool,
    streams: Mutex<Vec<TcpStream>>,
}

/// Locks a mutex and ignores poisoning: no mutex here guards an invariant that a panic could break.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Server {
    /// Runs `serve` for each connection, with the connection's number from 0 on.
    pub(crate) fn start(
        serve: impl Fn(usize, BufReader<TcpStream>) + Send + Sync + 'static,
    ) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let server = Self { address, shared: Arc::clone(&shared) };
        let serve = Arc::new(serve);
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().flatten().enumerate() {
                // Requests and replies are small and alternate, so Nagle's algorithm only adds delay.
                let (Ok(()), Ok(clone)) = (stream.set_nodelay(true), stream.try_clone()) else {
                    continue;
                };
                let mut streams = lock(&shared.streams);
                if shared.is_shut_down.load(Ordering::Acquire) {
                    return;
                }
                streams.push(clone);
                drop(streams);
                let serve = Arc::clone(&serve);
                std::thread::spawn(move || serve(number, BufReader::new(stream)));
            }
        });
        Ok(server)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The number of connections that were accepted so far.
    pub(crate) fn connections(&self) -> usize {
        lock(&self.shared.streams).len()
    }

    /// Closes every open connection; new ones are accepted.
    pub(crate) fn close_connections(&self) {
        for stream in lock(&self.shared.streams).iter() {
            // The peer may have closed it.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.is_shut_down.store(true, Ordering::Release);
        self.close_connections();
        // A connection ends the thread's blocking `accept`.
        let _ = TcpStream::connect(self.address);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    fn read(stream: &mut TcpStream) -> Vec<u8> {
        let mut all = Vec::new();
        // A connection reset counts as the end.
        let _ = stream.read_to_end(&mut all);
        all
    }

    #[test]
    fn connections_are_counted_and_closed_and_others_may_come() {
        let server = Server::start(|number, mut stream| {
            let _ = stream.get_mut().write_all(&[u8::try_from(number).unwrap_or(u8::MAX)]);
            let _ = stream.read_to_end(&mut Vec::new());
        })
        .unwrap();
        for number in 0..3 {
            let mut stream = TcpStream::connect(server.address()).unwrap();
            let mut byte = [9];
            stream.read_exact(&mut byte).unwrap();
            assert_eq!((usize::from(byte[0]), server.connections()), (number, number + 1));
            server.close_connections();
            assert_eq!(read(&mut stream), b"");
        }
    }

    #[test]
    fn a_server_that_is_gone_takes_its_port_along() {
        let server = Server::start(|_, _| {}).unwrap();
        let address = server.address();
        drop(server);
        // The listener's thread closes the port after its last `accept`.
        while TcpStream::connect(address).is_ok() {
            std::thread::yield_now();
        }
    }
}

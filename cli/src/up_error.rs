//! Errors of the embedded platform and of its data directory.

use std::error::Error as _;

use writ_embedded::UpError;

use crate::engines::engine_error;
use crate::error::CliError;
use crate::exit::Exit;

/// The error of an embedded platform that did not start, with its causes.
pub(crate) fn up_error(error: &UpError) -> CliError {
    let exit = match error {
        UpError::Engine(error) => return engine_error(error),
        UpError::NoTokens { .. } | UpError::NoTokensYet => Exit::Usage,
        UpError::Directory { .. } | UpError::Exposed { .. } => Exit::Invalid,
        UpError::Database(_) | UpError::Listen { .. } | UpError::Threads(_) => Exit::Unavailable,
        UpError::Tables(_) | UpError::Routes(_) | UpError::Policy(_) | UpError::Serve(_) => {
            Exit::Internal
        }
    };
    let mut failure = CliError::new(exit, error.to_string());
    let mut cause = error.source();
    while let Some(deeper) = cause {
        failure = failure.note(deeper.to_string());
        cause = deeper.source();
    }
    failure
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use super::*;

    #[test]
    fn a_port_in_use_says_what_to_do() {
        let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 5000);
        let source = std::io::Error::from(std::io::ErrorKind::AddrInUse);
        let failure = up_error(&UpError::Listen { address, source });
        assert_eq!(failure.exit(), Exit::Unavailable);
        let text = failure.render();
        assert!(text.contains("127.0.0.1:5000") && text.contains("--port"), "{text}");
    }
}

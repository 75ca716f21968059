//! Writes the templates and events that follow from the route table.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use writ_infra::{Document, InfraError, documents};

fn main() -> ExitCode {
    match write() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut message = format!("writ-infra: {error}");
            let mut source = error.source();
            while let Some(cause) = source {
                message.push_str(&format!(": {cause}"));
                source = cause.source();
            }
            #[expect(
                clippy::print_stderr,
                reason = "a program of the command line says why it failed"
            )]
            {
                eprintln!("{message}");
            }
            ExitCode::FAILURE
        }
    }
}

fn write() -> Result<(), InfraError> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for Document { path, text } in documents(&root)? {
        let path = root.join(path);
        fs::write(&path, text).map_err(|source| InfraError::File { path, source })?;
    }
    Ok(())
}

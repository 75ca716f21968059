//! Access to the store of a deployment on AWS or on an emulator, without its API.

use writ_aws::{Aws, Environment};
use writ_model::Error;
use writ_store::{Store, TableNames};

use crate::error::CliError;
use crate::exit::Exit;

/// Runs `work` on the store in the tables with the name prefix `prefix`. Region, credentials and
/// endpoint come from the environment variables of AWS's tools.
///
/// # Errors
/// A variable that is missing; the errors of `work`.
pub(crate) fn with_store<T>(
    prefix: &str,
    work: impl AsyncFnOnce(&Store) -> Result<T, Error>,
) -> Result<T, CliError> {
    let environment = environment(|name| std::env::var(name).ok())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::new(Exit::Internal, format!("cannot start: {error}")))?;
    runtime.block_on(async {
        let store = Store::new(Aws::new(environment).dynamodb(), TableNames::with_prefix(prefix));
        work(&store)
            .await
            .map_err(|error| CliError::from_error(&error).at(format!("the tables `{prefix}...`")))
    })
}

/// Reads the AWS settings. The AWS command line and Lambda name the region differently; both names
/// are read.
fn environment(variable: impl Fn(&str) -> Option<String>) -> Result<Environment, CliError> {
    let known = |name: &str| {
        let value = variable(name).filter(|value| !value.is_empty());
        value.or_else(|| (name == "AWS_REGION").then(|| variable("AWS_DEFAULT_REGION")).flatten())
    };
    Environment::read(known).map_err(|_| {
        let names = ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
        let missing = names.iter().filter(|name| known(name).is_none_or(|value| value.is_empty()));
        let missing: Vec<_> = missing.map(|name| format!("`{name}`")).collect();
        let message = format!("the environment lacks {}", missing.join(", "));
        CliError::usage(message).help(
            "export the region and what `aws configure export-credentials --format env` prints",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::tests::plain;

    fn parse(pairs: &[(&str, &str)]) -> Result<Environment, CliError> {
        environment(|name| {
            let pair = pairs.iter().find(|(known, _)| *known == name);
            pair.map(|(_, value)| (*value).to_owned())
        })
    }

    const KEYS: [(&str, &str); 2] =
        [("AWS_ACCESS_KEY_ID", "AKID"), ("AWS_SECRET_ACCESS_KEY", "very-secret")];

    #[test]
    fn the_region_goes_by_either_name() {
        for region in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
            assert!(parse(&[KEYS[0], KEYS[1], (region, "eu-central-1")]).is_ok(), "{region}");
        }
        let both = [KEYS[0], KEYS[1], ("AWS_REGION", ""), ("AWS_DEFAULT_REGION", "eu-central-1")];
        assert!(parse(&both).is_ok());
    }

    #[test]
    fn all_that_is_missing_is_named_at_once() {
        let failure = parse(&[KEYS[0], ("AWS_DEFAULT_REGION", "")]).unwrap_err();
        assert_eq!(failure.exit(), Exit::Usage);
        let text = plain(&failure.render());
        assert!(text.contains("lacks `AWS_REGION`, `AWS_SECRET_ACCESS_KEY`"), "{text}");
    }
}

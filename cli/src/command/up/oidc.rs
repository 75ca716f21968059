//! Options of the identity provider, also read from the environment.

use clap::Args;
use writ_oidc::Settings;

use crate::error::CliError;

/// The OpenID provider that signs the accepted JWTs; access tokens are accepted as well.
#[derive(Debug, Args)]
#[command(next_help_heading = "Identity provider")]
pub(super) struct Oidc {
    /// The issuer of accepted JWTs: their exact `iss`; its keys are found by OpenID Connect Discovery
    #[arg(long, env = "WRIT_OIDC_ISSUER", value_name = "URL")]
    oidc_issuer: Option<String>,
    /// The audience: the name of this platform in a JWT's `aud`
    #[arg(long, env = "WRIT_OIDC_AUDIENCE", value_name = "TEXT")]
    oidc_audience: Option<String>,
    /// The claim with the caller's workspace
    #[arg(
        long,
        env = "WRIT_OIDC_WORKSPACE_CLAIM",
        value_name = "CLAIM",
        default_value = "writ_workspace"
    )]
    oidc_workspace_claim: String,
    /// The claim with the caller's role
    #[arg(long, env = "WRIT_OIDC_ROLE_CLAIM", value_name = "CLAIM", default_value = "writ_role")]
    oidc_role_claim: String,
    /// The URL of the issuer's keys, instead of discovery
    #[arg(long, env = "WRIT_OIDC_JWKS_URL", value_name = "URL")]
    oidc_jwks_url: Option<String>,
}

impl Oidc {
    /// Parses the settings; `None` without an issuer.
    pub(super) fn settings(&self) -> Result<Option<Settings>, CliError> {
        let get = |name: &str| match name {
            "WRIT_OIDC_ISSUER" => self.oidc_issuer.clone(),
            "WRIT_OIDC_AUDIENCE" => self.oidc_audience.clone(),
            "WRIT_OIDC_WORKSPACE_CLAIM" => Some(self.oidc_workspace_claim.clone()),
            "WRIT_OIDC_ROLE_CLAIM" => Some(self.oidc_role_claim.clone()),
            "WRIT_OIDC_JWKS_URL" => self.oidc_jwks_url.clone(),
            _ => None,
        };
        Settings::read(get).map_err(|error| {
            CliError::usage(error.to_string())
                .help("each variable is an option, too: `WRIT_OIDC_ISSUER` is `--oidc-issuer`")
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::exit::Exit;

    #[derive(Parser)]
    struct OidcCommand {
        #[command(flatten)]
        oidc: Oidc,
    }

    fn settings(flags: &[&str]) -> Result<Option<Settings>, CliError> {
        let words = std::iter::once("up").chain(flags.iter().copied());
        let command = OidcCommand::try_parse_from(words);
        command.unwrap_or_else(|error| unreachable!("{error}")).oidc.settings()
    }

    #[test]
    fn flags_say_what_the_environment_would() {
        let all = settings(&[
            "--oidc-issuer=https://issuer.example",
            "--oidc-audience=writ",
            "--oidc-workspace-claim=team",
            "--oidc-role-claim=roles",
            "--oidc-jwks-url=https://issuer.example/keys",
        ]);
        let expected = Settings::read(|name| {
            Some(
                match name {
                    "WRIT_OIDC_ISSUER" => "https://issuer.example",
                    "WRIT_OIDC_AUDIENCE" => "writ",
                    "WRIT_OIDC_WORKSPACE_CLAIM" => "team",
                    "WRIT_OIDC_ROLE_CLAIM" => "roles",
                    _ => "https://issuer.example/keys",
                }
                .to_owned(),
            )
        });
        assert_eq!(all.ok(), expected.ok());
        assert!(settings(&[]).is_ok_and(|none| none.is_none()));
    }

    #[test]
    fn half_of_it_is_a_usage_error() {
        let failure = settings(&["--oidc-issuer=https://issuer.example"]).unwrap_err();
        assert_eq!(failure.exit(), Exit::Usage);
        assert!(failure.render().contains("WRIT_OIDC_AUDIENCE"), "{}", failure.render());
    }
}

//! The options of every command: server, token and output.

use clap::Args;

use crate::client::Client;
use crate::error::CliError;
use crate::output::{Color, Format, Terminal};

/// The options that every command accepts.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// The URL of the server
    #[arg(
        long,
        global = true,
        env = "WRIT_SERVER",
        value_name = "URL",
        default_value = "http://127.0.0.1:5000"
    )]
    server: String,
    /// The access token; a server on this machine needs none by default
    #[arg(long, global = true, env = "WRIT_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// The format of data on standard output
    #[arg(short, long, global = true, value_enum, default_value_t = Format::Table)]
    output: Format,
    /// Print only data and errors
    #[arg(short, long, global = true)]
    quiet: bool,
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
}

impl GlobalArgs {
    /// The output in the format that was chosen.
    pub(crate) fn terminal(&self) -> Terminal {
        Terminal::new(self.output, self.quiet)
    }

    /// Whether to print only data and errors.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Makes a client of the server. Warns if the token would cross a network in clear text.
    pub(crate) fn client(&self) -> Result<Client, CliError> {
        let token = self.token.clone().filter(|token| !token.is_empty());
        let client = Client::new(&self.server, token)?;
        if client.exposes_token() {
            self.terminal().warn("the token crosses the network in clear text; use https");
        }
        Ok(client)
    }
}

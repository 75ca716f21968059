//! The Lambda functions that show schedules and remove them.

use std::process::ExitCode;

use writ_platform::{NoEngine, Outbound, Platform};

fn main() -> ExitCode {
    writ_lambda::serve(writ_fn_schedules::schedules::routes(), |store, function| {
        let outbound = Outbound {
            queue: function.scheduling_outbound(),
            webhook_client: function.webhook_client()?,
        };
        Ok(Platform::new(store, NoEngine).with_outbound(outbound))
    })
}

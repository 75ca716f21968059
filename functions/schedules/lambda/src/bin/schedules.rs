//! The Lambda functions that record schedules and show them.

use std::process::ExitCode;

use writ_platform::{NoEngine, Outside, Platform};

fn main() -> ExitCode {
    writ_lambda::serve(writ_fn_schedules::calendar::routes(), |store, function| {
        let outside = Outside { queue: function.planned(), caller: function.caller()? };
        Ok(Platform::new(store, NoEngine).telling(outside))
    })
}

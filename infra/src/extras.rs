//! What only some functions have, and the stacks that they stand in: parameters, and the variables
//! that hand them on.

use writ_grants::{Queue, Resource};
use writ_ports::{Evaluate, SendCallback, ValidateDocuments};

use crate::Function;

/// A parameter of a stack, where one of its functions needs it.
struct Extra {
    parameter: &'static str,
    /// What the root gives for it.
    argument: &'static str,
    /// The variable that a function which needs it has it in.
    variable: Option<&'static str>,
    is_needed: fn(&Function) -> bool,
}

const EXTRAS: [Extra; 10] = [
    Extra {
        parameter: "ReserveConcurrency",
        argument: "!Ref ReserveConcurrency",
        variable: None,
        is_needed: |function| function.size.reserved.is_some(),
    },
    Extra {
        parameter: "AllowWeakSandbox",
        argument: "!Ref AllowWeakSandbox",
        variable: Some("WRIT_ALLOW_WEAK_SANDBOX"),
        is_needed: |function| {
            function.needs.has_port(&Evaluate) || function.needs.has_port(&ValidateDocuments)
        },
    },
    Extra {
        parameter: "JobsUrl",
        argument: "!GetAtt Queues.Outputs.JobsUrl",
        variable: Some("WRIT_JOBS_QUEUE_URL"),
        is_needed: |function| function.needs.has_queue(Queue::Jobs),
    },
    Extra {
        parameter: "JobsArn",
        argument: "!GetAtt Queues.Outputs.JobsArn",
        variable: None,
        is_needed: |function| function.needs.has_queue(Queue::Jobs),
    },
    Extra {
        parameter: "DeadUrl",
        argument: "!GetAtt Queues.Outputs.DeadUrl",
        variable: Some("WRIT_JOBS_DEAD_URL"),
        is_needed: |function| function.needs.has_queue(Queue::Dead),
    },
    Extra {
        parameter: "DeadArn",
        argument: "!GetAtt Queues.Outputs.DeadArn",
        variable: None,
        is_needed: |function| function.needs.has_queue(Queue::Dead),
    },
    Extra {
        parameter: "FireGroup",
        argument: "!GetAtt Fires.Outputs.FireGroup",
        variable: Some("WRIT_FIRE_GROUP"),
        is_needed: |function| function.needs.has_resource(Resource::Timers),
    },
    Extra {
        parameter: "FireFunctionArn",
        argument: "!GetAtt Fires.Outputs.FireFunctionArn",
        variable: Some("WRIT_FIRE_FUNCTION_ARN"),
        is_needed: |function| function.needs.has_resource(Resource::TimerRole),
    },
    Extra {
        parameter: "FireRoleArn",
        argument: "!GetAtt Fires.Outputs.FireRoleArn",
        variable: Some("WRIT_FIRE_ROLE_ARN"),
        is_needed: |function| function.needs.has_resource(Resource::TimerRole),
    },
    Extra {
        parameter: "CallbacksTo",
        argument: "!Ref CallbacksTo",
        variable: Some("WRIT_CALLBACKS_TO"),
        is_needed: |function| function.needs.has_port(&SendCallback),
    },
];

/// Those that one of the functions needs.
fn needed_by(functions: &[&Function]) -> impl Iterator<Item = &'static Extra> {
    EXTRAS.iter().filter(|extra| functions.iter().any(|function| (extra.is_needed)(function)))
}

/// The parameters of the functions' stack.
pub(crate) fn parameters(functions: &[&Function]) -> String {
    let parameter = |extra: &Extra| format!("  {}:\n    Type: String\n", extra.parameter);
    needed_by(functions).map(parameter).collect()
}

/// What the root gives the functions' stack.
pub(crate) fn arguments(functions: &[&Function]) -> String {
    let argument = |extra: &Extra| format!("        {}: {}\n", extra.parameter, extra.argument);
    needed_by(functions).map(argument).collect()
}

/// The variables of a function beside those that all have.
pub(crate) fn variables(function: &Function) -> String {
    let variable = |extra: &Extra| {
        extra.variable.map(|name| format!("          {name}: !Ref {}\n", extra.parameter))
    };
    let variables: String = needed_by(&[function]).filter_map(variable).collect();
    match variables.is_empty() {
        true => variables,
        false => format!("      Environment:\n        Variables:\n{variables}"),
    }
}

//! A function's configuration, from its environment variables.

use writ_aws::{Aws, Environment, EnvironmentError};
use writ_callbacks::{Allowlist, WebhookClient};
use writ_eventbridge_scheduler::{Scheduler, TimerConfig, TimerTarget};
use writ_sqs::{QueueUrls, Sqs};
use writ_store::{Store, TableNames};

use crate::SchedulingOutbound;

/// Variables that Lambda sets for every function; the runtime library panics without them.
const RUNTIME_VARIABLES: [&str; 4] = [
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
];

const JOBS_QUEUE: &str = "WRIT_JOBS_QUEUE_URL";
const JOBS_DEAD: &str = "WRIT_JOBS_DEAD_URL";
const FIRE_GROUP: &str = "WRIT_FIRE_GROUP";
const FIRE_FUNCTION: &str = "WRIT_FIRE_FUNCTION_ARN";
const FIRE_ROLE: &str = "WRIT_FIRE_ROLE_ARN";
const CALLBACKS_TO: &str = "WRIT_CALLBACKS_TO";

/// The configuration of a function, as its template sets it.
#[derive(Clone, Debug)]
pub struct Function {
    /// The template's `Handler` (`_HANDLER`): the name of the route that the function serves.
    pub handler: String,
    /// Run policies even if the host does not permit all parts of the sandbox
    /// (`WRIT_ALLOW_WEAK_SANDBOX`).
    pub allow_weak_sandbox: bool,
    /// The name of the log stream (`AWS_LAMBDA_LOG_STREAM_NAME`), one for each instance of a
    /// function. It is the node id in job records, so that an operator finds the log of a job.
    pub log_stream: Option<String>,
    pub(crate) aws: Aws,
    table_prefix: String,
    queues: QueueUrls,
    timers: TimerConfig,
    callbacks_to: Option<String>,
}

/// The reason why a function does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The program was not started by Lambda.
    #[error(
        "`{variable}` is not set: this program is a Lambda function, which AWS Lambda or an \
         emulator starts; `writ up` serves the platform on your own machine"
    )]
    NotOnLambda {
        /// The name of the missing variable.
        variable: &'static str,
    },
    /// The credentials or the region are missing.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// A variable of the template is missing or wrong.
    #[error("the environment variable `{name}` {problem}")]
    Variable {
        /// The name of the variable.
        name: &'static str,
        /// The problem with its value.
        problem: &'static str,
    },
    /// The template names no route of this program.
    #[error("the handler `{handler}` is no route of this program; it serves {}", .served.join(", "))]
    Handler {
        /// The handler that the template names.
        handler: String,
        /// The names of the program's routes.
        served: Vec<String>,
    },
    /// The ports could not be created.
    #[error("{0}")]
    Ports(Box<dyn std::error::Error + Send + Sync>),
    /// The async runtime could not be created.
    #[error("the runtime could not be started: {0}")]
    Runtime(std::io::Error),
}

impl StartError {
    /// The error of ports that could not be created.
    pub fn ports(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Ports(Box::new(error))
    }
}

impl Function {
    /// Reads the variables through `variable`, which returns the value of a name.
    ///
    /// # Errors
    /// Names the first variable that is missing or invalid.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, StartError> {
        if let Some(missing) = RUNTIME_VARIABLES.into_iter().find(|name| variable(name).is_none()) {
            return Err(StartError::NotOnLambda { variable: missing });
        }
        let required = |name| {
            let value = variable(name).filter(|value| !value.is_empty());
            value.ok_or(StartError::Variable { name, problem: "is not set" })
        };
        let name = "WRIT_ALLOW_WEAK_SANDBOX";
        let allow_weak_sandbox = match variable(name).as_deref() {
            None | Some("" | "false") => false,
            Some("true") => true,
            Some(_) => {
                return Err(StartError::Variable {
                    name,
                    problem: "is neither `true` nor `false`",
                });
            }
        };
        let optional = |name| variable(name).filter(|value| !value.is_empty());
        Ok(Self {
            handler: required("_HANDLER")?,
            allow_weak_sandbox,
            log_stream: optional("AWS_LAMBDA_LOG_STREAM_NAME"),
            queues: QueueUrls { jobs: optional(JOBS_QUEUE), dead: optional(JOBS_DEAD) },
            timers: TimerConfig {
                group: optional(FIRE_GROUP),
                target: optional(FIRE_FUNCTION)
                    .zip(optional(FIRE_ROLE))
                    .map(|(function_arn, role_arn)| TimerTarget { function_arn, role_arn }),
            },
            callbacks_to: optional(CALLBACKS_TO),
            table_prefix: required("WRIT_TABLE_PREFIX")?,
            aws: Aws::new(Environment::read(&variable)?),
        })
    }

    /// A store on the tables of this deployment.
    #[must_use]
    pub fn store(&self) -> Store {
        Store::new(self.aws.dynamodb(), TableNames::with_prefix(&self.table_prefix))
    }

    /// The queue of job signals. The template sets the URLs that the ports of a route need
    /// (`WRIT_JOBS_QUEUE_URL`, `WRIT_JOBS_DEAD_URL`).
    #[must_use]
    pub fn queue(&self) -> Sqs {
        Sqs::of(&self.aws, self.queues.clone())
    }

    /// The queue of job signals, for a function that cannot run without it.
    ///
    /// # Errors
    /// [`StartError::Variable`] where the template does not set its URL.
    pub fn required_queue(&self) -> Result<Sqs, StartError> {
        match self.queues.jobs {
            Some(_) => Ok(self.queue()),
            None => Err(StartError::Variable { name: JOBS_QUEUE, problem: "is not set" }),
        }
    }

    /// The queue of job signals and the timers of schedules. The template sets the timers' group
    /// and target where a route needs them (`WRIT_FIRE_GROUP`, `WRIT_FIRE_FUNCTION_ARN`,
    /// `WRIT_FIRE_ROLE_ARN`).
    #[must_use]
    pub fn scheduling_outbound(&self) -> SchedulingOutbound {
        SchedulingOutbound {
            queue: self.queue(),
            scheduler: Scheduler::of(&self.aws, self.timers.clone()),
        }
    }

    /// The client that delivers callbacks. It may call public addresses, and those that
    /// `WRIT_CALLBACKS_TO` adds.
    ///
    /// # Errors
    /// [`StartError::Ports`] where the list is invalid.
    pub fn webhook_client(&self) -> Result<WebhookClient, StartError> {
        let allowed = self.callbacks_to.as_deref().map(str::parse::<Allowlist>).transpose();
        Ok(WebhookClient::new(allowed.map_err(StartError::ports)?.unwrap_or_default()))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn variables(name: &str) -> Option<String> {
        let value = match name {
            "AWS_LAMBDA_RUNTIME_API" => "127.0.0.1:9001",
            "AWS_LAMBDA_FUNCTION_NAME" => "writ-dev-policy-get",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE" => "256",
            "AWS_LAMBDA_FUNCTION_VERSION" => "$LATEST",
            "AWS_REGION" => "us-east-1",
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => "test",
            "WRIT_TABLE_PREFIX" => "writ-dev-",
            "_HANDLER" => "policy.get",
            _ => return None,
        };
        Some(value.to_owned())
    }

    fn without(missing: &str) -> Result<Function, StartError> {
        Function::read(|name| variables(name).filter(|_| name != missing))
    }

    #[test]
    fn a_functions_variables_say_what_it_is() {
        let function = Function::read(variables).unwrap();
        assert_eq!(function.handler, "policy.get");
        assert!(!function.allow_weak_sandbox);
    }

    #[test]
    fn what_is_missing_is_named() {
        for name in
            RUNTIME_VARIABLES.into_iter().chain(["AWS_REGION", "WRIT_TABLE_PREFIX", "_HANDLER"])
        {
            let error = without(name).unwrap_err().to_string();
            assert!(error.contains(&format!("`{name}`")), "{error}");
        }
    }

    #[test]
    fn the_sandbox_is_weakened_by_the_word_true_alone() {
        for (text, want) in [("true", Some(true)), ("false", Some(false)), ("yes", None)] {
            let function = Function::read(|name| match name {
                "WRIT_ALLOW_WEAK_SANDBOX" => Some(text.to_owned()),
                name => variables(name),
            });
            assert_eq!(function.ok().map(|function| function.allow_weak_sandbox), want, "{text}");
        }
    }

    #[test]
    fn a_function_that_requires_the_queue_needs_its_url() {
        let with = |queue: Option<&'static str>| {
            Function::read(move |name| match name {
                JOBS_QUEUE => queue.map(str::to_owned),
                name => variables(name),
            })
        };
        assert!(with(Some("https://sqs/1/jobs")).unwrap().required_queue().is_ok());
        for missing in [None, Some("")] {
            let error = with(missing).unwrap().required_queue().unwrap_err().to_string();
            assert!(error.contains(JOBS_QUEUE), "{error}");
        }
    }

    #[test]
    fn where_callbacks_may_go_is_a_list_of_networks_and_names() {
        for (list, is_list) in
            [("", true), ("10.1.0.0/16,hooks.internal", true), ("10.1.0.0/8", false)]
        {
            let function = Function::read(|name| match name {
                CALLBACKS_TO => Some(list.to_owned()),
                name => variables(name),
            });
            assert_eq!(function.unwrap().webhook_client().is_ok(), is_list, "{list}");
        }
    }
}

//! What a schedule's fires make: a job, written as a submission or as a run of a policy.

use writ_jobs::{NewJob, NewJobBody};
use writ_model::member::{invalid_member, text};
use writ_model::{Error, ErrorKind, ExecutorId, RawJson, Timestamp, Workspace};
use writ_pipeline::{LoadPolicy, known_executor};
use writ_ports::{SendCallback, ValidateDocuments};

use crate::members::{Members, below};

/// Bytes of a target: it is written with each fire. What a run needs beyond stands in the policy's
/// own parameters.
pub const TARGET_BYTES_MAX: usize = 64 << 10;

const FORM: &str = "`target` is what each fire makes: `{\"policy\": {\"policy_rule_uri\": ..., \
                    \"input_data\": ...}}` or `{\"job\": {...}}` with the body of a submission";

/// The job that a fire makes.
pub struct Target {
    /// The job to submit at each fire, validated and without an id.
    pub job: NewJob,
    /// The executor that runs the job.
    pub executor_id: ExecutorId,
    /// The JSON Pointer of the job in the request.
    location: &'static str,
}

impl Target {
    /// Reads the target of the schedule of that name.
    ///
    /// # Errors
    /// What is malformed, with its location.
    pub fn of(name: &str, target: &RawJson, now: Timestamp) -> Result<Self, Error> {
        let length = target.as_str().len();
        if length > TARGET_BYTES_MAX {
            let message = format!(
                "`target` has {length} bytes, and at most {TARGET_BYTES_MAX} are kept for each fire"
            );
            return Err(Error::new(ErrorKind::TooLarge, message).at("/target"));
        }
        let mut members = Members::of(target.as_str(), "/target", FORM)?;
        if members.take("graph").is_some() {
            let message = "a schedule cannot run a graph yet, that comes later; \
                           `job` and `policy` are what it runs";
            return Err(invalid_member("target/graph", message.to_owned()));
        }
        let (job, policy) = (members.take("job"), members.take("policy"));
        members.end("`job` and `policy`")?;
        match (job, policy) {
            (Some(job), None) => Self::of_job(name, &job, now),
            (None, Some(policy)) => Self::of_policy(name, &policy, now),
            _ => Err(Error::invalid(format!("{FORM}; exactly one of the two")).at("/target")),
        }
    }

    fn of_job(name: &str, job: &RawJson, now: Timestamp) -> Result<Self, Error> {
        let location = "/target/job";
        let what = "`job` is an object: the body of a submission, `executor_id` beside it";
        let mut members = Members::of(job.as_str(), location, what)?;
        if members.take("not_before").is_some() {
            let message = "`not_before` has no place here: the schedule says when".to_owned();
            return Err(below(location, invalid_member("not_before", message)));
        }
        let executor_id = match members.take("executor_id") {
            None => ExecutorId::BUILTIN,
            Some(value) => {
                let (text, _) = text(&value, "executor_id", "the id of an executor")
                    .map_err(|error| below(location, error))?;
                if text.is_empty() { ExecutorId::BUILTIN } else { text.into() }
            }
        };
        let body = NewJobBody {
            name: members.take("name").or_else(|| Some(RawJson::of(&name.into()))),
            policy_rule_uri: members.take("policy_rule_uri"),
            policy_rule_parameters: members.take("policy_rule_parameters"),
            node_selector: members.take("node_selector"),
            inputs: members.take_value("inputs").unwrap_or_else(RawJson::empty_object),
            timeout_seconds: members.take("timeout_seconds"),
            max_attempts: members.take("max_attempts"),
            not_before: None,
            priority: members.take("priority"),
            callback_url: members.take("callback_url"),
        };
        members.end(
            "`name`, `policy_rule_uri`, `policy_rule_parameters`, `node_selector`, `inputs`, \
             `timeout_seconds`, `max_attempts`, `priority`, `callback_url` and `executor_id`",
        )?;
        let job = NewJob::of(body, now).map_err(|error| below(location, error))?;
        Ok(Self { job, executor_id, location })
    }

    fn of_policy(name: &str, policy: &RawJson, now: Timestamp) -> Result<Self, Error> {
        let location = "/target/policy";
        let what = "`policy` is an object with a `policy_rule_uri`";
        let mut members = Members::of(policy.as_str(), location, what)?;
        let parameters = members.take("parameters");
        if let Some(parameters) = parameters.as_ref().filter(|value| !value.value().is_object()) {
            let given = writ_model::member::excerpt(parameters);
            let message = format!("`parameters` is a JSON object, and `{given}` is none");
            return Err(below(location, invalid_member("parameters", message)));
        }
        let body = NewJobBody {
            name: Some(RawJson::of(&name.into())),
            policy_rule_uri: members.take("policy_rule_uri"),
            policy_rule_parameters: parameters,
            node_selector: None,
            inputs: members.take_value("input_data").unwrap_or_else(RawJson::empty_object),
            timeout_seconds: None,
            max_attempts: None,
            not_before: None,
            priority: None,
            callback_url: None,
        };
        members.end("`policy_rule_uri`, `input_data` and `parameters`")?;
        let job = NewJob::of(body, now).map_err(|error| below(location, error))?;
        Ok(Self { job, executor_id: ExecutorId::BUILTIN, location })
    }

    /// Validates the job against its executor, its policy and the callbacks that may be sent. Returns
    /// the policy's mask.
    ///
    /// # Errors
    /// As a submission's, with their locations.
    pub async fn validate(
        &self,
        ports: &(impl SendCallback + LoadPolicy + ValidateDocuments),
        workspace: &Workspace,
    ) -> Result<Vec<String>, Error> {
        known_executor(&self.executor_id)
            .map_err(|error| error.at(format!("{}/executor_id", self.location)))?;
        writ_job_control::validate(ports, workspace, &self.job, self.location).await
    }
}

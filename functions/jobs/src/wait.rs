//! Waiting for the end of a job while a request is served.

use std::time::Duration;

use writ_edge::{Param, Request};
use writ_model::{Error, Job, Workspace};
use writ_ports::{Clock, GetJob, Sleep};

use crate::document::find_job;

/// A request is answered within 25 seconds whatever it waits for; this leaves five for the rest.
const WAIT_S_MAX: u64 = 20;

/// The first pause between two reads; each is half as long again as the one before.
const PAUSE: Duration = Duration::from_millis(250);

/// No pause is longer.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// The query parameter of the wait.
pub(crate) const PARAM: Param = Param {
    name: "wait",
    description: "Holds the reply until the job is over or so many seconds have gone by: `20s` or `20`, 0 to 20.",
};

/// How long the request waits; zero without the parameter.
pub(crate) fn duration(request: &Request) -> Result<Duration, Error> {
    let Some(text) = request.query(PARAM.name) else { return Ok(Duration::ZERO) };
    let digits = text.strip_suffix('s').unwrap_or(text);
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = digits.parse().ok().filter(|seconds| is_number && *seconds <= WAIT_S_MAX);
    seconds.map(Duration::from_secs).ok_or_else(|| {
        let message = format!(
            "a reply is held for 0 to {WAIT_S_MAX} whole seconds, as `{WAIT_S_MAX}s` or `{WAIT_S_MAX}`; \
             to wait longer, ask again"
        );
        Error::invalid(message).at(format!("query parameter `{}`", PARAM.name))
    })
}

/// The job once it is over, or as it is after `timeout`.
pub(crate) async fn until_over(
    ports: &(impl Clock + GetJob + Sleep),
    workspace: &Workspace,
    job_id: &str,
    timeout: Duration,
) -> Result<Job, Error> {
    let began = ports.ticks_us();
    let mut pause = PAUSE;
    loop {
        let job = find_job(ports, workspace, job_id).await?;
        let waited = Duration::from_micros(ports.ticks_us().saturating_sub(began));
        let left = timeout.saturating_sub(waited);
        if job.state.job_status.is_final() || left.is_zero() {
            return Ok(job);
        }
        ports.sleep(pause.min(left)).await;
        pause = (pause * 3 / 2).min(PAUSE_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::request;

    #[test]
    fn a_wait_is_whole_seconds_up_to_its_bound() {
        for (text, seconds) in [
            ("0", Some(0)),
            ("20", Some(20)),
            ("5s", Some(5)),
            ("21", None),
            ("-1", None),
            ("+5", None),
            ("1.5", None),
            ("s", None),
            ("", None),
            ("5m", None),
            ("5ss", None),
        ] {
            let mut request = request(&[], "");
            request.query.push(("wait".to_owned(), text.to_owned()));
            let asked = duration(&request);
            let location = asked.as_ref().err().and_then(|error| error.location.clone());
            assert_eq!(asked.ok(), seconds.map(Duration::from_secs), "{text}");
            assert_eq!(location.is_some(), seconds.is_none(), "{text}");
        }
        assert_eq!(duration(&request(&[], "")).ok(), Some(Duration::ZERO));
    }
}

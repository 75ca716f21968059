//! Whoever is told of ends.

use std::collections::BTreeMap;

use writ_ports::{CallbackRequest, DeliveryResult};

use crate::world::World;

/// Deliveries by the id of the call.
#[derive(Debug, Default)]
pub(crate) struct Receiver {
    pub(crate) deliveries: BTreeMap<String, u64>,
}

/// A call, as it is on its way.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    id: String,
    body: String,
    tries: u32,
    rng: u64,
}

impl From<CallbackRequest<'_>> for Sent {
    fn from(call: CallbackRequest<'_>) -> Self {
        Self {
            id: call.callback_id.to_owned(),
            body: call.body.to_owned(),
            tries: call.tries,
            rng: call.rng,
        }
    }
}

impl World {
    /// What comes of a call.
    pub(crate) fn receive(&mut self, sent: &Sent) -> DeliveryResult {
        let again = |reason: &str| DeliveryResult::Failed {
            reason: reason.to_owned(),
            again_in: writ_callbacks::retry_delay(sent.tries, sent.rng),
        };
        if self.goes_wrong(|plan| plan.callbacks_lost) {
            self.counts.add("callback lost");
            return again("it is not there");
        }
        self.deliver(sent);
        if self.goes_wrong(|plan| plan.callbacks_unsure) {
            self.counts.add("callback unsure");
            return again("no answer in time");
        }
        DeliveryResult::Delivered
    }

    fn deliver(&mut self, sent: &Sent) {
        self.counts.add("callback delivered");
        *self.receiver.deliveries.entry(sent.id.clone()).or_default() += 1;
        // The id is the job's and its round's; what is told is how that round ended.
        let told = sent.id.rsplit_once('-').and_then(|(job, round)| {
            let round: u32 = round.parse().ok()?;
            let row = self.store.jobs.get(job)?;
            let end = row.ends.iter().find(|end| end.round == round)?;
            row.submission.callback_url.as_ref()?;
            Some(sent.body.contains(&format!(r#""type":"job.{}""#, end.status)))
        });
        if told != Some(true) {
            self.violated(format!("told of what is no job's end: {} {}", sent.id, sent.body));
        }
    }
}

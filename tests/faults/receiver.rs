//! The receiver of callbacks.

use std::collections::BTreeMap;

use writ_ports::{CallbackRequest, DeliveryResult};

use crate::world::World;

/// The number of deliveries by callback id.
#[derive(Debug, Default)]
pub(crate) struct Receiver {
    pub(crate) deliveries: BTreeMap<String, u64>,
}

/// A callback request that a runner sent.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    id: String,
    body: String,
    tries: u32,
    jitter: u64,
}

impl From<CallbackRequest<'_>> for Delivery {
    fn from(request: CallbackRequest<'_>) -> Self {
        Self {
            id: request.callback_id.to_owned(),
            body: request.body.to_owned(),
            tries: request.tries,
            jitter: request.jitter,
        }
    }
}

impl World {
    /// Receives a callback, unless it is lost; the response may be lost, too.
    pub(crate) fn receive_callback(&mut self, delivery: &Delivery) -> DeliveryResult {
        let failure = |reason: &str| DeliveryResult::Failed {
            reason: reason.to_owned(),
            again_in: writ_callbacks::retry_delay(delivery.tries, delivery.jitter),
        };
        if delivery.jitter > u64::MAX / 2 {
            self.counts.add("callback jitter in its upper half");
        }
        if self.draw_fault(|config| config.callbacks_lost) {
            self.counts.add("callback lost");
            return failure("the receiver is unavailable");
        }
        self.deliver(delivery);
        if self.draw_fault(|config| config.callback_responses_lost) {
            self.counts.add("callback response lost");
            return failure("no response in time");
        }
        DeliveryResult::Delivered
    }

    fn deliver(&mut self, delivery: &Delivery) {
        self.counts.add("callback delivered");
        *self.receiver.deliveries.entry(delivery.id.clone()).or_default() += 1;
        // The callback id names the job and the round; the body has the status of that round.
        let is_true = delivery.id.rsplit_once('-').and_then(|(job, round)| {
            let round: u32 = round.parse().ok()?;
            let row = self.store.jobs.get(job)?;
            let outcome = row.outcomes.iter().find(|outcome| outcome.round == round)?;
            row.submission.callback_url.as_ref()?;
            Some(delivery.body.contains(&format!(r#""type":"job.{}""#, outcome.status)))
        });
        if is_true != Some(true) {
            self.report_violation(format!(
                "a callback without such a final state: {} {}",
                delivery.id, delivery.body
            ));
        }
    }
}

//! Transactions: all or nothing, and why not.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::AsyncSleep;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{CancellationReason, TransactWriteItem};
use aws_smithy_async::rt::sleep::default_async_sleep;
use writ_model::Error;

use crate::Store;
use crate::errors::{failed, too_large, unavailable};
use crate::item::Item;

/// Tries of one transaction that meets others; a conflict is over once the other one commits.
pub(crate) const ATTEMPTS: u32 = 5;

/// The first pause; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(20);

/// No pause is longer.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Why nothing was written.
#[derive(Debug)]
pub(crate) enum TransactionError {
    /// The condition of the action at this position does not hold; the first one of several.
    Condition(usize),
    /// Something else.
    Failed(Error),
}

enum Cancelled {
    Condition(usize),
    Conflict,
    Failed(Error),
}

impl Store {
    /// Commits all the actions or none. The SDK's own tries share a request token, so a reply that
    /// was lost does not make them fail against themselves.
    pub(crate) async fn transact(
        &self,
        actions: Vec<TransactWriteItem>,
    ) -> Result<(), TransactionError> {
        for attempt in 0..ATTEMPTS {
            let write =
                self.client.transact_write_items().set_transact_items(Some(actions.clone()));
            let Err(error) = write.send().await else { return Ok(()) };
            let reasons = match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                    cancelled.cancellation_reasons()
                }
                _ => return Err(TransactionError::Failed(failed(error))),
            };
            match understand(reasons) {
                Cancelled::Condition(position) => {
                    return Err(TransactionError::Condition(position));
                }
                Cancelled::Failed(error) => return Err(TransactionError::Failed(error)),
                Cancelled::Conflict => pause(&self.client, attempt).await,
            }
        }
        Err(TransactionError::Failed(conflicting()))
    }

    /// Writes an item whose key is free, by itself: that costs half of what a transaction does.
    pub(crate) async fn put_new(&self, table: &str, item: Item) -> Result<(), TransactionError> {
        let put = self.client.put_item().table_name(table).set_item(Some(item));
        let put = put.condition_expression("attribute_not_exists(pk)").send().await;
        put.map(drop).map_err(|error| match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => {
                TransactionError::Condition(0)
            }
            _ => TransactionError::Failed(failed(error)),
        })
    }
}

/// Others were in the way each time.
pub(crate) fn conflicting() -> Error {
    unavailable(format!("{ATTEMPTS} tries met a transaction conflict"))
}

/// A failed condition is final, whatever else went wrong; a conflict may pass.
fn understand(reasons: &[CancellationReason]) -> Cancelled {
    let code = |reason: &CancellationReason| reason.code().unwrap_or("None").to_owned();
    if let Some(position) =
        reasons.iter().position(|reason| code(reason) == "ConditionalCheckFailed")
    {
        return Cancelled::Condition(position);
    }
    let log = format!("transaction cancelled: {reasons:?}");
    for reason in reasons {
        match code(reason).as_str() {
            "None" => {}
            "TransactionConflict" => return Cancelled::Conflict,
            "ProvisionedThroughputExceeded" | "ThrottlingError" => {
                return Cancelled::Failed(unavailable(log));
            }
            "ValidationError"
                if reason.message().is_some_and(|text| text.contains("Item size")) =>
            {
                return Cancelled::Failed(too_large(log));
            }
            _ => return Cancelled::Failed(Error::internal(log)),
        }
    }
    Cancelled::Failed(Error::internal(log))
}

/// Waits before try `attempt + 1`, on the client's own clock.
pub(crate) async fn pause(client: &Client, attempt: u32) {
    let time = PAUSE.saturating_mul(2_u32.saturating_pow(attempt)).min(PAUSE_MAX);
    // A client that was given no clock of its own sleeps on the runtime's, and says `None` here.
    if let Some(sleep) = client.config().sleep_impl().or_else(default_async_sleep) {
        sleep.sleep(time).await;
    }
}

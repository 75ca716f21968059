//! Transactions, and the reasons of their cancellation.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::AsyncSleep;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{CancellationReason, TransactWriteItem};
use aws_smithy_async::rt::sleep::default_async_sleep;
use writ_model::{Backoff, Error};

use crate::Store;
use crate::errors::{store_error, too_large, unavailable};
use crate::item::Item;

/// Attempts of one transaction that conflicts with others. A conflict ends when the other
/// transaction commits.
pub(crate) const ATTEMPTS_MAX: u32 = 5;

/// The delays before the further attempts.
const BACKOFF: Backoff = Backoff { first: Duration::from_millis(20), max: Duration::from_secs(1) };

/// The reason why a transaction wrote nothing.
#[derive(Debug)]
pub(crate) enum TransactionError {
    /// The condition of the action at this position, counted from 0, does not hold; of several, the
    /// first.
    Condition(usize),
    /// The transaction failed for a reason other than a condition.
    Failed(Error),
}

enum Cancellation {
    Condition(usize),
    Conflict,
    Failed(Error),
}

impl Store {
    /// Commits all the actions or none. The SDK's retries share a request token, so a transaction
    /// does not fail against itself after a lost response.
    pub(crate) async fn transact(
        &self,
        actions: Vec<TransactWriteItem>,
    ) -> Result<(), TransactionError> {
        for attempt in 0..ATTEMPTS_MAX {
            let write =
                self.client.transact_write_items().set_transact_items(Some(actions.clone()));
            let Err(error) = write.send().await else { return Ok(()) };
            let reasons = match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                    cancelled.cancellation_reasons()
                }
                _ => return Err(TransactionError::Failed(store_error(error))),
            };
            match classify(reasons) {
                Cancellation::Condition(position) => {
                    return Err(TransactionError::Condition(position));
                }
                Cancellation::Failed(error) => return Err(TransactionError::Failed(error)),
                Cancellation::Conflict => back_off(&self.client, attempt).await,
            }
        }
        Err(TransactionError::Failed(conflict_error()))
    }

    /// Writes one item if its key is free, without a transaction, which would cost twice as much.
    pub(crate) async fn put_new(&self, table: &str, item: Item) -> Result<(), TransactionError> {
        let put = self.client.put_item().table_name(table).set_item(Some(item));
        let put = put.condition_expression("attribute_not_exists(pk)").send().await;
        put.map(drop).map_err(|error| match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => {
                TransactionError::Condition(0)
            }
            _ => TransactionError::Failed(store_error(error)),
        })
    }
}

/// The error of a write that conflicted with a transaction in every attempt.
pub(crate) fn conflict_error() -> Error {
    unavailable(format!("{ATTEMPTS_MAX} attempts had a transaction conflict"))
}

/// Classifies the reasons of a cancelled transaction. A failed condition is final, whatever other
/// reasons there are; a conflict is temporary.
fn classify(reasons: &[CancellationReason]) -> Cancellation {
    let code = |reason: &CancellationReason| reason.code().unwrap_or("None").to_owned();
    if let Some(position) =
        reasons.iter().position(|reason| code(reason) == "ConditionalCheckFailed")
    {
        return Cancellation::Condition(position);
    }
    let log = format!("transaction cancelled: {reasons:?}");
    for reason in reasons {
        match code(reason).as_str() {
            "None" => {}
            "TransactionConflict" => return Cancellation::Conflict,
            "ProvisionedThroughputExceeded" | "ThrottlingError" => {
                return Cancellation::Failed(unavailable(log));
            }
            "ValidationError"
                if reason.message().is_some_and(|text| text.contains("Item size")) =>
            {
                return Cancellation::Failed(too_large(log));
            }
            _ => return Cancellation::Failed(Error::internal(log)),
        }
    }
    Cancellation::Failed(Error::internal(log))
}

/// Waits before attempt `attempt + 1`, by the client's own clock.
pub(crate) async fn back_off(client: &Client, attempt: u32) {
    let delay = BACKOFF.wait(attempt.saturating_add(1));
    // A client without a sleep implementation of its own uses the runtime's, and returns `None`
    // here.
    if let Some(sleep) = client.config().sleep_impl().or_else(default_async_sleep) {
        sleep.sleep(delay).await;
    }
}

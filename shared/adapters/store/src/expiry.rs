//! Removes expired items, for databases without time to live.
//!
//! Each step reads one page of the table and stores where it ended, so that the cost of a tick does
//! not grow with the table. On AWS, time to live has removed the items already, and the page holds
//! none to remove. An index by time would cost more, since every use of a key would write it.

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::try_join_all;
use writ_model::{Error, Timestamp};
use writ_ports::{GcReport, RemoveExpired};

use crate::Store;
use crate::errors::store_error;
use crate::item::{Item, ItemExt, key, number, optional_text, string, text};

/// Items read by one step. DynamoDB reads at most 1 MB of them.
const ITEMS_MAX: i32 = 100;

/// Items that are removed concurrently.
const CONCURRENT_REMOVALS: usize = 8;

/// The item is still expired: it was not written again since.
const IS_EXPIRED: &str = "expires_at <= :before";

/// The key of the stored position: in the table itself, as an item that does not expire.
fn position_key() -> Item {
    key("#upkeep", "expired")
}

impl Store {
    /// Reads the key of the last item of the previous step; `None` at the table's beginning.
    async fn get_position(&self) -> Result<Option<Item>, Error> {
        let response = self
            .client
            .get_item()
            .table_name(&self.tables.idempotency)
            .set_key(Some(position_key()))
            .send()
            .await
            .map_err(store_error)?;
        let after = |item: &Item| {
            Some(key(optional_text(item, "after_pk")?, optional_text(item, "after_sk")?))
        };
        Ok(response.item().and_then(after))
    }

    /// Stores the key after which the next step starts; `None` is the table's beginning.
    async fn put_position(&self, after: Option<&Item>) -> Result<(), Error> {
        let item = match after {
            None => position_key(),
            Some(after) => position_key()
                .with("after_pk", string(text(after, "pk")?))
                .with("after_sk", string(text(after, "sk")?)),
        };
        let put = self.client.put_item().table_name(&self.tables.idempotency);
        put.set_item(Some(item)).send().await.map_err(store_error)?;
        Ok(())
    }

    /// Removes the item if it is still expired; returns whether it was.
    async fn remove_if_expired(&self, item: &Item, before: &AttributeValue) -> Result<bool, Error> {
        let removed = self
            .client
            .delete_item()
            .table_name(&self.tables.idempotency)
            .set_key(Some(key(text(item, "pk")?, text(item, "sk")?)))
            .condition_expression(IS_EXPIRED)
            .expression_attribute_values(":before", before.clone())
            .send()
            .await;
        match removed {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(DeleteItemError::is_conditional_check_failed_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(store_error(error)),
        }
    }
}

impl RemoveExpired for Store {
    async fn remove_expired(&self, before: Timestamp) -> Result<GcReport, Error> {
        let before = number(before.as_ms() / 1_000);
        let after = self.get_position().await?;
        let page = self
            .client
            .scan()
            .table_name(&self.tables.idempotency)
            .limit(ITEMS_MAX)
            .projection_expression("pk, sk")
            .filter_expression(IS_EXPIRED)
            .expression_attribute_values(":before", before.clone())
            .set_exclusive_start_key(after.clone())
            .send()
            .await
            .map_err(store_error)?;
        let mut removed = 0;
        for items in page.items().chunks(CONCURRENT_REMOVALS) {
            let removals = items.iter().map(|item| self.remove_if_expired(item, &before));
            let results = try_join_all(removals).await?;
            removed += results.into_iter().map(u64::from).sum::<u64>();
        }
        let next = page.last_evaluated_key();
        if next != after.as_ref() {
            self.put_position(next).await?;
        }
        // If a page has no item to remove, the database or an earlier step has removed them.
        Ok(GcReport { removed, more: removed > 0 && next.is_some() })
    }
}

#[cfg(test)]
mod tests {
    use crate::tables::DEFINITIONS;

    #[test]
    fn the_only_table_with_time_to_live_is_the_one_that_is_cleaned() {
        let expiring = DEFINITIONS.iter().filter(|table| table.time_to_live.is_some());
        let found: Vec<_> = expiring.map(|table| (table.name, table.time_to_live)).collect();
        assert_eq!(found, [("idempotency", Some("expires_at"))]);
    }
}

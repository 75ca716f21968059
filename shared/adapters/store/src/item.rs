//! Reads and writes the attributes of items explicitly, so that this crate defines the stored
//! format.

use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;

use aws_sdk_dynamodb::types::AttributeValue;
use writ_model::Error;

/// The attributes of an item, or of its primary key.
pub(crate) type Item = HashMap<String, AttributeValue>;

pub(crate) fn string(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

/// A number attribute. The numbers of the platform are integers below 2^64, far inside DynamoDB's
/// 38 digits.
pub(crate) fn number(value: impl Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// The primary key of an item in a table with a sort key.
pub(crate) fn key(partition: impl Into<String>, sort: impl Into<String>) -> Item {
    HashMap::from([("pk".to_owned(), string(partition)), ("sk".to_owned(), string(sort))])
}

/// Adds attributes to an item.
pub(crate) trait ItemExt {
    fn with(self, name: &str, value: AttributeValue) -> Self;
}

impl ItemExt for Item {
    fn with(mut self, name: &str, value: AttributeValue) -> Self {
        self.insert(name.to_owned(), value);
        self
    }
}

/// The value of a string attribute; `None` where the item does not have it.
pub(crate) fn optional_text<'i>(item: &'i Item, name: &str) -> Option<&'i str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

/// The value of a string attribute, or an internal error where the item does not have it.
pub(crate) fn text<'i>(item: &'i Item, name: &str) -> Result<&'i str, Error> {
    optional_text(item, name).ok_or_else(|| malformed_item(name))
}

/// Parses the value of a string attribute.
pub(crate) fn parse_text<T: FromStr>(item: &Item, name: &str) -> Result<T, Error> {
    text(item, name)?.parse().map_err(|_| malformed_item(name))
}

/// The value of a number attribute; `None` where the item does not have it.
pub(crate) fn optional_count<T: FromStr>(item: &Item, name: &str) -> Option<T> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

/// The value of a number attribute, or an internal error where the item does not have it.
pub(crate) fn count<T: FromStr>(item: &Item, name: &str) -> Result<T, Error> {
    optional_count(item, name).ok_or_else(|| malformed_item(name))
}

fn malformed_item(name: &str) -> Error {
    Error::internal(format!("a stored item lacks a usable attribute `{name}`"))
}

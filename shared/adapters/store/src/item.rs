//! Items: attributes by hand, so that what is stored is what is written here.

use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;

use aws_sdk_dynamodb::types::AttributeValue;
use writ_model::Error;

/// An item, or a key of one.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// A string attribute.
pub(crate) fn string(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

/// A number attribute; our numbers are whole and below 2^64, far inside DynamoDB's 38 digits.
pub(crate) fn number(value: impl Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// The primary key of the tables that have both parts.
pub(crate) fn key(partition: impl Into<String>, sort: impl Into<String>) -> Item {
    HashMap::from([("pk".to_owned(), string(partition)), ("sk".to_owned(), string(sort))])
}

/// The same item with one attribute more.
pub(crate) trait With {
    fn with(self, name: &str, value: AttributeValue) -> Self;
}

impl With for Item {
    fn with(mut self, name: &str, value: AttributeValue) -> Self {
        self.insert(name.to_owned(), value);
        self
    }
}

/// The string, where the item has that attribute.
pub(crate) fn optional_text<'i>(item: &'i Item, name: &str) -> Option<&'i str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

/// The string.
pub(crate) fn text<'i>(item: &'i Item, name: &str) -> Result<&'i str, Error> {
    optional_text(item, name).ok_or_else(|| damaged(name))
}

/// The value that is stored as a string.
pub(crate) fn parsed<T: FromStr>(item: &Item, name: &str) -> Result<T, Error> {
    text(item, name)?.parse().map_err(|_| damaged(name))
}

/// The number, where the item has that attribute.
pub(crate) fn optional_count<T: FromStr>(item: &Item, name: &str) -> Option<T> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

/// The number.
pub(crate) fn count<T: FromStr>(item: &Item, name: &str) -> Result<T, Error> {
    optional_count(item, name).ok_or_else(|| damaged(name))
}

fn damaged(name: &str) -> Error {
    Error::internal(format!("a stored item lacks a usable attribute `{name}`"))
}

//! The members of an object, taken out one by one; those that are left are refused by name.

use std::collections::BTreeMap;

use writ_model::{Error, RawJson};

/// The members of an object that are still to be read.
pub struct Members {
    left: BTreeMap<String, RawJson>,
    /// The JSON Pointer of the object in the request.
    location: &'static str,
}

impl Members {
    /// The members of an object that stands at `location`.
    ///
    /// # Errors
    /// The text is no object; `what` says what it should be.
    pub fn of(text: &str, location: &'static str, what: &str) -> Result<Self, Error> {
        match serde_json::from_str(text) {
            Ok(left) => Ok(Self { left, location }),
            Err(_) => Err(Error::invalid(what).at(location)),
        }
    }

    /// A member; `None` where it is missing or null.
    pub fn take(&mut self, name: &str) -> Option<RawJson> {
        self.left.remove(name).filter(|value| value.as_str() != "null")
    }

    /// A member as it is sent; `None` where it is missing.
    pub fn take_value(&mut self, name: &str) -> Option<RawJson> {
        self.left.remove(name)
    }

    /// Refuses the members that were not taken.
    ///
    /// # Errors
    /// The name and location of the first member that is left.
    pub fn end(self, known: &str) -> Result<(), Error> {
        match self.left.keys().next() {
            None => Ok(()),
            Some(name) => {
                let message = format!("there is no member `{name}` here; known are {known}");
                Err(Error::invalid(message).at(format!("{}/{name}", self.location)))
            }
        }
    }
}

/// The same error, in an object that stands at `location`.
pub fn below(location: &str, mut error: Error) -> Error {
    if let Some(inner) = error.location.take_if(|inner| inner.starts_with('/')) {
        error.location = Some(format!("{location}{inner}"));
    }
    error
}

//! Locations in a filter or update, as JSON Pointers (RFC 6901).

use std::fmt;

use crate::error::{Fault, QueryError};

/// A location, built as a linked list while parsing descends, and printed only in errors.
#[derive(Clone, Copy)]
pub(crate) enum Place<'a> {
    Root,
    /// A member of an object, below its parent.
    Key(&'a Place<'a>, &'a str),
    /// An element of a list, below its parent.
    Index(&'a Place<'a>, usize),
}

impl Place<'_> {
    /// Creates an error at this location.
    pub(crate) fn error(&self, fault: Fault) -> QueryError {
        QueryError::new(self.to_string(), fault)
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Root => Ok(()),
            Place::Key(parent, key) => {
                write!(f, "{parent}/{}", key.replace('~', "~0").replace('/', "~1"))
            }
            Place::Index(parent, index) => write!(f, "{parent}/{index}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_an_escaped_json_pointer() {
        let or = Place::Key(&Place::Root, "$or");
        let second = Place::Index(&or, 1);
        assert_eq!(Place::Key(&second, "a/b~c.d").to_string(), "/$or/1/a~1b~0c.d");
        assert_eq!(Place::Root.to_string(), "");
    }
}

//! Locations in a filter or update, as JSON Pointers (RFC 6901).

use std::fmt;

use crate::error::{QueryError, QueryErrorKind};

/// A location, built as a linked list while parsing descends, and printed only in errors.
#[derive(Clone, Copy)]
pub(crate) enum Location<'a> {
    Root,
    /// A member of an object, below its parent.
    Key(&'a Location<'a>, &'a str),
    /// An element of a list, below its parent.
    Index(&'a Location<'a>, usize),
}

impl Location<'_> {
    /// Creates an error at this location.
    pub(crate) fn error(&self, kind: QueryErrorKind) -> QueryError {
        QueryError::new(self.to_string(), kind)
    }
}

impl fmt::Display for Location<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Root => Ok(()),
            Location::Key(parent, key) => {
                write!(f, "{parent}/{}", key.replace('~', "~0").replace('/', "~1"))
            }
            Location::Index(parent, index) => write!(f, "{parent}/{index}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_an_escaped_json_pointer() {
        let or = Location::Key(&Location::Root, "$or");
        let second = Location::Index(&or, 1);
        assert_eq!(Location::Key(&second, "a/b~c.d").to_string(), "/$or/1/a~1b~0c.d");
        assert_eq!(Location::Root.to_string(), "");
    }
}

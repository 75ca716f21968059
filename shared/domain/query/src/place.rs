//! Where in a filter or update something stands, as a JSON Pointer (RFC 6901).

use std::fmt;

use crate::error::{Fault, QueryError};

/// A key or index below another place; built on the way down, printed only in errors.
#[derive(Clone, Copy)]
pub(crate) enum Place<'a> {
    /// The whole value.
    Root,
    /// A member of an object.
    Key(&'a Place<'a>, &'a str),
    /// An element of a list.
    Index(&'a Place<'a>, usize),
}

impl Place<'_> {
    /// An error at this place.
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

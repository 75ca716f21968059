//! Conditional requests: `If-Match` and `If-None-Match` (RFC 9110, section 13).

use http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};
use writ_model::{Error, ErrorKind};

use crate::Request;

/// What a request demands of the stored revision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Precondition {
    is: Option<Tags>,
    is_not: Option<Tags>,
}

impl Precondition {
    /// Reads both headers; without them nothing is demanded.
    ///
    /// # Errors
    /// A header that is neither `*` nor a list of quoted entity tags.
    pub fn of(request: &Request) -> Result<Self, Error> {
        Ok(Self { is: tags(request, &IF_MATCH)?, is_not: tags(request, &IF_NONE_MATCH)? })
    }

    /// Whether a write may go over the revision of this entity tag.
    ///
    /// # Errors
    /// [`ErrorKind::Stale`], naming the stored revision's tag.
    pub fn check(&self, etag: &str) -> Result<(), Error> {
        if self.is.as_ref().is_some_and(|tags| !tags.hold_strongly(etag)) {
            return Err(stale(
                format!("`If-Match` names another revision; the stored one is {etag}"),
                &IF_MATCH,
            ));
        }
        if self.is_not.as_ref().is_some_and(|tags| tags.hold_weakly(etag)) {
            let message = format!("`If-None-Match` excludes the stored revision {etag}");
            return Err(stale(message, &IF_NONE_MATCH));
        }
        Ok(())
    }

    /// Whether a reader has the revision of this entity tag already; then
    /// [`Reply::not_modified`](crate::Reply::not_modified) is the answer.
    #[must_use]
    pub fn is_held(&self, etag: &str) -> bool {
        self.is_not.as_ref().is_some_and(|tags| tags.hold_weakly(etag))
    }
}

fn stale(message: String, name: &HeaderName) -> Error {
    Error::new(ErrorKind::Stale, message).at(location(name))
}

fn location(name: &HeaderName) -> String {
    let name = if *name == IF_MATCH { "If-Match" } else { "If-None-Match" };
    format!("header `{name}`")
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Tags {
    Any,
    These(Vec<Tag>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Tag {
    is_weak: bool,
    /// An entity tag with its quotes.
    text: String,
}

impl Tags {
    /// Only a strong tag proves that the bytes are the same.
    fn hold_strongly(&self, etag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::These(tags) => tags.iter().any(|tag| !tag.is_weak && tag.text == etag),
        }
    }

    fn hold_weakly(&self, etag: &str) -> bool {
        match self {
            Self::Any => true,
            Self::These(tags) => tags.iter().any(|tag| tag.text == etag.trim_start_matches("W/")),
        }
    }
}

fn tags(request: &Request, name: &HeaderName) -> Result<Option<Tags>, Error> {
    let mut found = None;
    for value in request.headers.get_all(name) {
        let read = value.to_str().ok().and_then(read).ok_or_else(|| {
            Error::invalid(
                "neither `*` nor a list of entity tags in quotes, as `\"1-0a1b2c3d4e5f\"`",
            )
            .at(location(name))
        })?;
        found = Some(match (found, read) {
            (None, read) => read,
            (Some(Tags::These(mut all)), Tags::These(more)) => {
                all.extend(more);
                Tags::These(all)
            }
            _ => Tags::Any,
        });
    }
    Ok(found)
}

/// Reads one header value.
fn read(text: &str) -> Option<Tags> {
    let mut rest = text.trim();
    if rest == "*" {
        return Some(Tags::Any);
    }
    let mut tags = Vec::new();
    loop {
        let (is_weak, quoted) =
            rest.strip_prefix("W/").map_or((false, rest), |quoted| (true, quoted));
        let (opaque, after) = quoted.strip_prefix('"')?.split_once('"')?;
        tags.push(Tag { is_weak, text: format!("\"{opaque}\"") });
        rest = match after.trim_start() {
            "" => return Some(Tags::These(tags)),
            more => more.strip_prefix(',')?.trim_start(),
        };
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::request::fixture;

    fn precondition(name: HeaderName, values: &[&str]) -> Result<Precondition, Error> {
        let mut request = fixture();
        for value in values {
            request.headers.append(name.clone(), HeaderValue::from_str(value).unwrap());
        }
        Precondition::of(&request)
    }

    #[test]
    fn a_write_goes_over_the_revision_that_it_names_and_no_other() {
        let stored = "\"2-abc\"";
        for (values, passes) in [
            (&["\"2-abc\""] as &[_], true),
            (&["*"], true),
            (&["\"1-x\", \"2-abc\""], true),
            (&["\"1-x\"", "\"2-abc\""], true),
            (&["\"a,b\",\"2-abc\""], true),
            (&["W/\"2-abc\""], false),
            (&["\"1-abc\""], false),
            (&[], true),
        ] {
            let checked = precondition(IF_MATCH, values).unwrap().check(stored);
            assert_eq!(checked.is_ok(), passes, "{values:?}");
            assert!(checked.is_ok() || checked.unwrap_err().kind == ErrorKind::Stale);
        }
    }

    #[test]
    fn a_reader_that_has_the_revision_is_known() {
        for (values, held) in [
            (&["\"2-abc\""] as &[_], true),
            (&["W/\"2-abc\""], true),
            (&["*"], true),
            (&["\"1-abc\""], false),
            (&[], false),
        ] {
            let precondition = precondition(IF_NONE_MATCH, values).unwrap();
            assert_eq!(precondition.is_held("\"2-abc\""), held, "{values:?}");
            assert_eq!(precondition.check("\"2-abc\"").is_err(), held, "{values:?}");
        }
    }

    #[test]
    fn what_is_no_entity_tag_is_refused_with_its_header() {
        for value in ["2-abc", "\"open", "\"a\" \"b\"", "\"a\",", "", "w/\"a\""] {
            let error = precondition(IF_MATCH, &[value]).unwrap_err();
            assert_eq!(error.location.as_deref(), Some("header `If-Match`"), "{value}");
        }
    }
}

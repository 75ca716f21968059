//! Pages: what a caller asks for, and what it gets.

use serde_json::Value;
use writ_model::{Error, RawJson};
use writ_ports::{Page, Query};
use writ_query::{Aliases, Filter, Projection, QueryError, Sort};

use crate::{Param, Reply, Request};

/// Objects of a page where the caller does not say.
pub const LIMIT_DEFAULT: usize = 100;
/// Objects of a page at most.
pub const LIMIT_MAX: usize = 1000;

/// The query parameters of every paged list, for the route table.
pub const PAGE_PARAMS: &[Param] = &[
    Param { name: "limit", description: "Objects of the page at most, 1 to 1000; 100 without it." },
    Param {
        name: "next_token",
        description: "Where the page before ended, as its `next_token` said.",
    },
];

/// The query parameters of every `/query` route, for the route table.
pub const QUERY_PARAMS: &[Param] = &[
    Param { name: "limit", description: "Objects of the page at most, 1 to 1000; 100 without it." },
    Param {
        name: "next_token",
        description: "Where the page before ended, as its `next_token` said; good for the same filter and sort alone.",
    },
    Param {
        name: "sort",
        description: "The order: `name,-version`, or as in MongoDB `{\"name\": 1, \"version\": -1}`.",
    },
    Param {
        name: "projection",
        description: "The fields to return: `name,version` keeps, `-code` leaves out, or as in MongoDB `{\"code\": 0}`.",
    },
];

/// What a `/query` route is asked for.
#[derive(Clone, Debug)]
pub struct ListParams {
    /// The query for the store.
    pub query: Query,
    /// The projection for [`Reply::page`].
    pub projection: Option<Projection>,
}

impl ListParams {
    /// Reads the filter from the body (none at all asks for everything) and the rest from the
    /// query parameters [`QUERY_PARAMS`].
    ///
    /// # Errors
    /// What is wrong and where: a place in the filter, or the parameter.
    pub fn of(request: &Request, aliases: &Aliases<'_>) -> Result<Self, Error> {
        let filter = if request.body.is_empty() {
            Value::Object(serde_json::Map::new())
        } else {
            request.json()?
        };
        let sort = request.query("sort").map(|text| Sort::parse_text(text, aliases));
        let sort = sort.transpose().map_err(|error| in_parameter("sort", error))?;
        let projection =
            request.query("projection").map(|text| Projection::parse_text(text, aliases));
        Ok(Self {
            query: Query {
                filter: Filter::parse_with(&filter, aliases)?,
                sort: sort.filter(|sort| !sort.is_empty()),
                limit: request.limit()?,
                next_token: request.next_token(),
            },
            projection: projection
                .transpose()
                .map_err(|error| in_parameter("projection", error))?,
        })
    }
}

fn in_parameter(name: &str, error: QueryError) -> Error {
    let error = Error::from(error);
    let location = match &error.location {
        Some(within) => format!("{}, {within}", parameter(name)),
        None => parameter(name),
    };
    error.at(location)
}

fn parameter(name: &str) -> String {
    format!("query parameter `{name}`")
}

impl Request {
    /// The query parameter `limit`, or [`LIMIT_DEFAULT`].
    ///
    /// # Errors
    /// Where it is no whole number from 1 to [`LIMIT_MAX`].
    pub fn limit(&self) -> Result<usize, Error> {
        let Some(text) = self.query("limit") else { return Ok(LIMIT_DEFAULT) };
        text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit)).ok_or_else(|| {
            Error::invalid(format!(
                "a page has 1 to {LIMIT_MAX} objects, and `limit` is no such number"
            ))
            .at(parameter("limit"))
        })
    }

    /// The query parameter `next_token`; empty is none.
    #[must_use]
    pub fn next_token(&self) -> Option<String> {
        self.query("next_token").filter(|token| !token.is_empty()).map(str::to_owned)
    }

    /// Every query parameter is one of `known`, and there once: a mistyped one would be ignored.
    ///
    /// # Errors
    /// The first that is not, with those that are known.
    pub(crate) fn refuse_unknown_parameters(&self, known: &[Param]) -> Result<(), Error> {
        let known: Vec<_> = known.iter().filter(|param| !param.is_header()).collect();
        let mut seen: Vec<&str> = Vec::new();
        for (name, _) in &self.query {
            if seen.contains(&name.as_str()) {
                return Err(Error::invalid("the parameter is there twice; send it once")
                    .at(parameter(name)));
            }
            if !known.iter().any(|param| param.name == name) {
                let names: Vec<_> = known.iter().map(|param| format!("`{}`", param.name)).collect();
                let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
                let message = format!("this route has no such parameter; known here: {known}");
                return Err(Error::invalid(message).at(parameter(name)));
            }
            seen.push(name);
        }
        Ok(())
    }
}

impl Reply {
    /// `{"success": true, "data": [...], "next_token": "..."}`; the last page has no `next_token`.
    ///
    /// Without a projection the objects are sent as they are stored, byte by byte.
    ///
    /// # Errors
    /// A stored object that is no JSON: a defect.
    pub fn page(page: &Page, projection: Option<&Projection>) -> Result<Self, Error> {
        let data = match projection {
            None => format!("[{}]", page.items.join(",")),
            Some(projection) => {
                let project = |item: &String| {
                    let value: Value = serde_json::from_str(item).map_err(Error::internal)?;
                    Ok(projection.apply(&value).to_string())
                };
                format!(
                    "[{}]",
                    page.items.iter().map(project).collect::<Result<Vec<_>, Error>>()?.join(",")
                )
            }
        };
        Ok(Self::list(&data, page.next_token.as_deref()))
    }

    /// As [`Reply::page`], of a list that is JSON text already.
    #[must_use]
    pub fn list(data: &str, next_token: Option<&str>) -> Self {
        match next_token {
            Some(token) => {
                Self::data_with(data, &[("next_token", RawJson::of(&Value::from(token)).as_str())])
            }
            None => Self::data(data),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::fixture;

    fn asking(query: &[(&str, &str)], body: &str) -> Result<ListParams, Error> {
        let mut request = fixture();
        request.query =
            query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        request.body = body.to_owned().into();
        ListParams::of(&request, &[("metadata", "executor_metadata")])
    }

    #[test]
    fn nothing_asks_for_the_first_hundred() {
        for body in ["", "{}"] {
            let asked = asking(&[], body).unwrap();
            assert_eq!(
                (asked.query.limit, asked.query.next_token, asked.projection),
                (100, None, None)
            );
            assert!(asked.query.filter.matches(&serde_json::json!({"a": 1})));
        }
    }

    #[test]
    fn everything_can_be_asked_for_in_either_form() {
        let short = [
            ("limit", "1000"),
            ("sort", "name,-version"),
            ("projection", "-code"),
            ("next_token", "t"),
        ];
        let long = [
            ("projection", r#"{"code": 0}"#),
            ("sort", r#"{"name": 1, "version": -1}"#),
            ("next_token", "t"),
            ("limit", "1000"),
        ];
        let (short, long) = (asking(&short, "{}").unwrap(), asking(&long, "{}").unwrap());
        assert!(short.query.sort.is_some() && short.projection.is_some());
        assert_eq!(short.query.sort, long.query.sort);
        assert_eq!(short.projection, long.projection);
        assert_eq!((short.query.limit, short.query.next_token.as_deref()), (1000, Some("t")));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (query, body, location, message) in [
            (("limit", "0"), "{}", Some("query parameter `limit`"), "1 to 1000"),
            (("limit", "1001"), "{}", Some("query parameter `limit`"), "1 to 1000"),
            (("limit", "many"), "{}", Some("query parameter `limit`"), "1 to 1000"),
            (("sort", "{"), "{}", Some("query parameter `sort`"), "JSON"),
            (("sort", r#"{"a": 2}"#), "{}", Some("query parameter `sort`, /a"), "1 or -1"),
            (
                ("projection", "a,-b"),
                "{}",
                Some("query parameter `projection`, /b"),
                "other way round",
            ),
            (
                ("limit", "5"),
                r#"{"a": {"$gte": 1, "$foo": 2}}"#,
                Some("/a/$foo"),
                "unknown operator",
            ),
            (("limit", "5"), "[]", None, "object"),
        ] {
            let error = asking(&[query], body).unwrap_err();
            assert_eq!(error.location.as_deref(), location, "{query:?} {body}");
            assert!(error.message.contains(message), "{}", error.message);
        }
    }

    #[test]
    fn a_page_sends_the_stored_bytes_and_says_whether_there_is_more() {
        let mut page = Page {
            items: vec![r#"{"b": 1.0,  "a":1}"#.to_owned(), r#"{"a":2}"#.to_owned()],
            next_token: Some("x\"y".to_owned()),
            reads: 2,
        };
        assert_eq!(
            Reply::page(&page, None).unwrap().body,
            r#"{"success":true,"data":[{"b": 1.0,  "a":1},{"a":2}],"next_token":"x\"y"}"#
        );
        page.next_token = None;
        let projection = Projection::parse_text("b", &[]).unwrap();
        assert_eq!(
            Reply::page(&page, Some(&projection)).unwrap().body,
            r#"{"success":true,"data":[{"b":1.0},{}]}"#
        );
    }
}

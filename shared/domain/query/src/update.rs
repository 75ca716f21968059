//! Updates, which change a document.

mod apply;

use serde_json::{Map, Number, Value};

use crate::bounds::PATHS_MAX;
use crate::error::{QueryError, QueryErrorKind, excerpt, type_name};
use crate::filter::ElementFilter;
use crate::location::Location;
use crate::path::{Aliases, Path};

const OPERATORS: &[&str] = &["$set", "$unset", "$inc", "$push", "$addToSet", "$pull"];

/// A parsed MongoDB update: `$set $unset $inc $push $addToSet $pull` on dotted paths.
///
/// The operators are applied in the order in which they are written.
#[derive(Clone, Debug)]
pub struct Update {
    changes: Vec<Change>,
}

#[derive(Clone, Debug)]
struct Change {
    path: Path,
    /// The location of the change in the update, as a JSON Pointer.
    location: String,
    action: Action,
}

#[derive(Clone, Debug)]
enum Action {
    Set(Value),
    Unset,
    Increment(Number),
    Push(Vec<Value>),
    AddToSet(Vec<Value>),
    Pull(Box<ElementFilter>),
}

impl Action {
    fn operator(&self) -> &'static str {
        match self {
            Self::Set(_) => "$set",
            Self::Unset => "$unset",
            Self::Increment(_) => "$inc",
            Self::Push(_) => "$push",
            Self::AddToSet(_) => "$addToSet",
            Self::Pull(_) => "$pull",
        }
    }
}

impl Update {
    /// Whether a value is an update with operators, rather than a whole object to store.
    #[must_use]
    pub fn is_operators(value: &Value) -> bool {
        value.as_object().is_some_and(|fields| fields.keys().any(|key| key.starts_with('$')))
    }

    /// Parses an update from a JSON object.
    ///
    /// # Errors
    /// Returns an error for an unknown operator, plain fields beside operators, an invalid operand
    /// or path, or two paths of which one is the other or a part of it.
    pub fn parse(update: &Value) -> Result<Self, QueryError> {
        Self::parse_with(update, &[])
    }

    /// Parses an update in which `aliases` are further names of top-level fields.
    ///
    /// # Errors
    /// The same as those of [`Update::parse`].
    pub fn parse_with(update: &Value, aliases: &Aliases<'_>) -> Result<Self, QueryError> {
        let Value::Object(operators) = update else {
            return Err(not_an_object(update, &Location::Root));
        };
        let mut changes = Vec::new();
        for (operator, operands) in operators {
            let location = &Location::Key(&Location::Root, operator);
            if !operator.starts_with('$') {
                let instead = "is a plain field; send a whole object without operators, or put it below `$set`";
                return Err(
                    location.error(QueryErrorKind::Mixed { name: excerpt(operator), instead })
                );
            }
            if !OPERATORS.contains(&operator.as_str()) {
                return Err(location.error(QueryErrorKind::unknown_operator(operator, OPERATORS)));
            }
            let Value::Object(operands) = operands else {
                return Err(not_an_object(operands, location));
            };
            for (path, operand) in operands {
                let location = &Location::Key(location, path);
                let action = parse_action(operator, operand, location)?;
                changes.push(Change {
                    path: parse_path(path, aliases, location)?,
                    location: location.to_string(),
                    action,
                });
            }
        }
        if changes.len() > PATHS_MAX {
            return Err(Location::Root
                .error(QueryErrorKind::TooMany { what: "paths in the update", max: PATHS_MAX }));
        }
        refuse_conflicts(&changes)?;
        Ok(Self { changes })
    }

    /// Returns the top-level fields that the update names, whether or not it will change them. A
    /// field can occur more than once.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.changes.iter().map(|change| change.path.root())
    }

    /// Applies the update to a document; on an error the document is unchanged. Returns the
    /// top-level fields that changed, in the order in which the update names them.
    ///
    /// # Errors
    /// Returns an error where the update cannot be applied: a path through a value without fields,
    /// `$inc` of a value that is not a number, a list operator on a value that is not a list, or a
    /// result beyond the limits of [`crate::bounds`].
    pub fn apply(&self, document: &mut Value) -> Result<Vec<String>, QueryError> {
        apply::apply(&self.changes, document)
    }
}

fn not_an_object(value: &Value, location: &Location<'_>) -> QueryError {
    let example = r#"{"$set": {"type": "python_class_v1"}}"#;
    location.error(QueryErrorKind::NotAnObject {
        subject: "an update and each of its operators",
        example,
        found: type_name(value),
    })
}

fn parse_path(
    text: &str,
    aliases: &Aliases<'_>,
    location: &Location<'_>,
) -> Result<Path, QueryError> {
    let path = Path::parse(text, aliases, location)?;
    for segment in path.segments() {
        let reason = if segment.name.is_empty() {
            "has an empty segment"
        } else if segment.name.starts_with('$') {
            "has a segment that starts with `$`; name an element by its index"
        } else {
            continue;
        };
        return Err(
            location.error(QueryErrorKind::Path { path: excerpt(text), reason: reason.to_owned() })
        );
    }
    Ok(path)
}

fn parse_action(
    operator: &str,
    operand: &Value,
    location: &Location<'_>,
) -> Result<Action, QueryError> {
    Ok(match operator {
        "$set" => Action::Set(operand.clone()),
        "$unset" => Action::Unset,
        "$inc" => match operand {
            Value::Number(amount) => Action::Increment(amount.clone()),
            other => {
                return Err(location.error(QueryErrorKind::operand(operator, "a number", other)));
            }
        },
        "$push" => Action::Push(parse_items(operator, operand, location)?),
        "$addToSet" => Action::AddToSet(parse_items(operator, operand, location)?),
        _ => Action::Pull(Box::new(ElementFilter::parse(operand, location)?)),
    })
}

/// Parses one value, or the values of `{"$each": [...]}`.
fn parse_items(
    operator: &str,
    operand: &Value,
    location: &Location<'_>,
) -> Result<Vec<Value>, QueryError> {
    let has_modifier = |fields: &Map<String, Value>| fields.keys().any(|key| key.starts_with('$'));
    let Some(fields) = operand.as_object().filter(|fields| has_modifier(fields)) else {
        return Ok(vec![operand.clone()]);
    };
    if let Some(unknown) = fields.keys().find(|key| *key != "$each") {
        return Err(Location::Key(location, unknown)
            .error(QueryErrorKind::unknown_operator(unknown, &["$each"])));
    }
    match fields.get("$each") {
        Some(Value::Array(items)) => Ok(items.clone()),
        other => {
            let found = other.unwrap_or(&Value::Null);
            let kind = QueryErrorKind::Operand {
                operator: format!("{operator} with $each"),
                expected: "a list of values",
                found: type_name(found).to_owned(),
            };
            Err(Location::Key(location, "$each").error(kind))
        }
    }
}

/// Rejects two paths of which one is the other or a part of it. In sorted order such a path is
/// directly before the first of the others.
fn refuse_conflicts(changes: &[Change]) -> Result<(), QueryError> {
    let mut sorted: Vec<&Change> = changes.iter().collect();
    sorted.sort_by(|left, right| left.path.cmp(&right.path));
    for pair in sorted.windows(2) {
        if let [first, second] = pair
            && first.path.is_prefix_of(&second.path)
        {
            let (first, second) = (
                excerpt(&first.path.to_string()),
                (second.location.clone(), excerpt(&second.path.to_string())),
            );
            return Err(QueryError::new(
                second.0,
                QueryErrorKind::Conflict { first, second: second.1 },
            ));
        }
    }
    Ok(())
}

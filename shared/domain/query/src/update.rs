//! Updates, which change a document.

mod apply;

use serde_json::{Map, Number, Value};

use crate::bounds::PATHS_MAX;
use crate::error::{Fault, QueryError, echo, kind_of};
use crate::filter::ElementFilter;
use crate::path::{Aliases, Path};
use crate::place::Place;

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
    place: String,
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
            return Err(not_an_object(update, &Place::Root));
        };
        let mut changes = Vec::new();
        for (operator, operands) in operators {
            let place = &Place::Key(&Place::Root, operator);
            if !operator.starts_with('$') {
                let instead = "is a plain field; send a whole object without operators, or put it below `$set`";
                return Err(place.error(Fault::Mixed { name: echo(operator), instead }));
            }
            if !OPERATORS.contains(&operator.as_str()) {
                return Err(place.error(Fault::unknown_operator(operator, OPERATORS)));
            }
            let Value::Object(operands) = operands else {
                return Err(not_an_object(operands, place));
            };
            for (path, operand) in operands {
                let place = &Place::Key(place, path);
                let action = action(operator, operand, place)?;
                changes.push(Change {
                    path: parse_path(path, aliases, place)?,
                    place: place.to_string(),
                    action,
                });
            }
        }
        if changes.len() > PATHS_MAX {
            return Err(
                Place::Root.error(Fault::TooMany { what: "paths in the update", max: PATHS_MAX })
            );
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

fn not_an_object(value: &Value, place: &Place<'_>) -> QueryError {
    let example = r#"{"$set": {"type": "python_class_v1"}}"#;
    place.error(Fault::NotAnObject {
        subject: "an update and each of its operators",
        example,
        found: kind_of(value),
    })
}

fn parse_path(text: &str, aliases: &Aliases<'_>, place: &Place<'_>) -> Result<Path, QueryError> {
    let path = Path::parse(text, aliases, place)?;
    for segment in path.segments() {
        let reason = if segment.name.is_empty() {
            "has an empty segment"
        } else if segment.name.starts_with('$') {
            "has a segment that starts with `$`; name an element by its index"
        } else {
            continue;
        };
        return Err(place.error(Fault::Path { path: echo(text), reason: reason.to_owned() }));
    }
    Ok(path)
}

fn action(operator: &str, operand: &Value, place: &Place<'_>) -> Result<Action, QueryError> {
    Ok(match operator {
        "$set" => Action::Set(operand.clone()),
        "$unset" => Action::Unset,
        "$inc" => match operand {
            Value::Number(amount) => Action::Increment(amount.clone()),
            other => return Err(place.error(Fault::operand(operator, "a number", other))),
        },
        "$push" => Action::Push(items(operator, operand, place)?),
        "$addToSet" => Action::AddToSet(items(operator, operand, place)?),
        _ => Action::Pull(Box::new(ElementFilter::parse(operand, place)?)),
    })
}

/// Parses one value, or the values of `{"$each": [...]}`.
fn items(operator: &str, operand: &Value, place: &Place<'_>) -> Result<Vec<Value>, QueryError> {
    let has_modifier = |fields: &Map<String, Value>| fields.keys().any(|key| key.starts_with('$'));
    let Some(fields) = operand.as_object().filter(|fields| has_modifier(fields)) else {
        return Ok(vec![operand.clone()]);
    };
    if let Some(unknown) = fields.keys().find(|key| *key != "$each") {
        return Err(Place::Key(place, unknown).error(Fault::unknown_operator(unknown, &["$each"])));
    }
    match fields.get("$each") {
        Some(Value::Array(items)) => Ok(items.clone()),
        other => {
            let found = other.unwrap_or(&Value::Null);
            let fault = Fault::Operand {
                operator: format!("{operator} with $each"),
                expected: "a list of values",
                found: kind_of(found).to_owned(),
            };
            Err(Place::Key(place, "$each").error(fault))
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
                echo(&first.path.to_string()),
                (second.place.clone(), echo(&second.path.to_string())),
            );
            return Err(QueryError::new(second.0, Fault::Conflict { first, second: second.1 }));
        }
    }
    Ok(())
}

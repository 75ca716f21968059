//! Applies updates to a document.

use serde_json::map::Entry;
use serde_json::{Map, Value};

use super::{Action, Change};
use crate::bounds::{ARRAY_PADDING_MAX, DOCUMENT_DEPTH_MAX, NUMBER_DIGITS_MAX};
use crate::error::{QueryError, QueryErrorKind, excerpt, type_name};
use crate::number;
use crate::order::equal;
use crate::path::Segment;

/// Applies the changes to a copy, so that an error leaves the document unchanged.
pub(super) fn apply(changes: &[Change], document: &mut Value) -> Result<Vec<String>, QueryError> {
    let mut changed = document.clone();
    for change in changes {
        change.apply(&mut changed).map_err(|reason| {
            let kind = QueryErrorKind::Inapplicable {
                operator: change.action.operator(),
                path: excerpt(&change.path.to_string()),
                reason,
            };
            QueryError::new(change.location.clone(), kind)
        })?;
    }
    let depth = depth(&changed);
    if depth > DOCUMENT_DEPTH_MAX && depth > self::depth(document) {
        return Err(QueryError::new(
            String::new(),
            QueryErrorKind::TooDeep { max: DOCUMENT_DEPTH_MAX },
        ));
    }
    let mut fields: Vec<String> = Vec::new();
    for change in changes {
        let root = change.path.root();
        if !fields.iter().any(|field| field == root)
            && differs(document.get(root), changed.get(root))
        {
            fields.push(root.to_owned());
        }
    }
    *document = changed;
    Ok(fields)
}

/// Compares the JSON text: the order of fields and the digits of numbers count.
fn differs(before: Option<&Value>, after: Option<&Value>) -> bool {
    before.map(Value::to_string) != after.map(Value::to_string)
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(elements) => 1 + elements.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

impl Change {
    /// Applies the change. The error is only the reason.
    fn apply(&self, document: &mut Value) -> Result<(), String> {
        match &self.action {
            Action::Unset => {
                self.unset(document);
                Ok(())
            }
            Action::Pull(condition) => match self.find(document) {
                None => Ok(()),
                Some(Value::Array(elements)) => {
                    elements.retain(|element| !condition.matches(element));
                    Ok(())
                }
                Some(other) => Err(not_a_list(other)),
            },
            Action::Set(value) => {
                *self.create(document, || Value::Null)? = value.clone();
                Ok(())
            }
            Action::Increment(amount) => match self.create(document, || Value::from(0))? {
                Value::Number(number) => {
                    *number = number::add(number, amount).ok_or_else(|| {
                        format!("the sum would have more than {NUMBER_DIGITS_MAX} digits")
                    })?;
                    Ok(())
                }
                other => Err(format!("it holds {}, not a number", type_name(other))),
            },
            Action::Push(items) => {
                list(self.create(document, || Value::Array(Vec::new()))?)?
                    .extend(items.iter().cloned());
                Ok(())
            }
            Action::AddToSet(items) => {
                let elements = list(self.create(document, || Value::Array(Vec::new()))?)?;
                for item in items {
                    if !elements.iter().any(|element| equal(element, item)) {
                        elements.push(item.clone());
                    }
                }
                Ok(())
            }
        }
    }

    /// Returns the value at the path. A missing value is created by `missing`, with the objects
    /// above it.
    fn create<'v>(
        &self,
        document: &'v mut Value,
        missing: fn() -> Value,
    ) -> Result<&'v mut Value, String> {
        let mut value = document;
        let mut segments = self.path.segments().iter().peekable();
        while let Some(segment) = segments.next() {
            let default =
                if segments.peek().is_some() { || Value::Object(Map::new()) } else { missing };
            value = create_child(value, segment, default)?;
        }
        Ok(value)
    }

    fn find<'v>(&self, document: &'v mut Value) -> Option<&'v mut Value> {
        self.path.segments().iter().try_fold(document, child)
    }

    /// Removes a field. An element of a list becomes null, so that the others keep their indexes.
    fn unset(&self, document: &mut Value) {
        let Some((last, parents)) = self.path.segments().split_last() else {
            return;
        };
        match parents.iter().try_fold(document, child) {
            Some(Value::Object(fields)) => {
                fields.shift_remove(&last.name);
            }
            Some(Value::Array(elements)) => {
                if let Some(element) = last.index.and_then(|index| elements.get_mut(index)) {
                    *element = Value::Null;
                }
            }
            _ => {}
        }
    }
}

fn child<'v>(value: &'v mut Value, segment: &Segment) -> Option<&'v mut Value> {
    match value {
        Value::Object(fields) => fields.get_mut(&segment.name),
        Value::Array(elements) => elements.get_mut(segment.index?),
        _ => None,
    }
}

fn create_child<'v>(
    value: &'v mut Value,
    segment: &Segment,
    default: fn() -> Value,
) -> Result<&'v mut Value, String> {
    match value {
        Value::Object(fields) => Ok(match fields.entry(segment.name.as_str()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(default()),
        }),
        Value::Array(elements) => {
            let Some(index) = segment.index else {
                return Err(format!(
                    "`{}` is no index of the list that it goes into",
                    excerpt(&segment.name)
                ));
            };
            create_element(elements, index, default)
        }
        other => Err(format!(
            "`{}` would go into {}, which has no fields",
            excerpt(&segment.name),
            type_name(other)
        )),
    }
}

fn create_element(
    elements: &mut Vec<Value>,
    index: usize,
    default: fn() -> Value,
) -> Result<&mut Value, String> {
    if index >= elements.len() {
        if index - elements.len() > ARRAY_PADDING_MAX {
            return Err(format!(
                "index {index} is more than {ARRAY_PADDING_MAX} past the end of the list"
            ));
        }
        elements.resize(index, Value::Null);
        elements.push(default());
    }
    elements.get_mut(index).ok_or_else(|| format!("there is no element {index}"))
}

fn list(value: &mut Value) -> Result<&mut Vec<Value>, String> {
    match value {
        Value::Array(elements) => Ok(elements),
        other => Err(not_a_list(other)),
    }
}

fn not_a_list(value: &Value) -> String {
    format!("it holds {}, not a list", type_name(value))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::bounds::DOCUMENT_DEPTH_MAX;
    use crate::{QueryErrorKind, Update};

    fn nested(levels: usize) -> Value {
        (0..levels).fold(json!(1), |inner, _| json!([inner]))
    }

    #[test]
    fn a_document_does_not_grow_deeper_than_it_can_be_read_again() {
        // The document and the field's object count as levels.
        let set = |levels| Update::parse(&json!({"$set": {"a.b": nested(levels)}})).unwrap();
        let mut document = json!({});
        assert!(set(DOCUMENT_DEPTH_MAX - 2).apply(&mut document).is_ok());
        let before = document.clone();
        let error = set(DOCUMENT_DEPTH_MAX - 1).apply(&mut document).unwrap_err();
        assert_eq!(error.kind(), &QueryErrorKind::TooDeep { max: DOCUMENT_DEPTH_MAX });
        assert_eq!(document, before);
    }
}

//! The values of Rego.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::number::Number;

/// How deep arrays, objects and sets may nest.
///
/// Comparing, printing and dropping a value call themselves for each level. Values read from text are held to
/// this bound; the evaluator holds what it makes to it, with [`Value::depth`].
pub const MAX_DEPTH: usize = 500;

/// A value. A missing value is `Option::None`, never a value.
///
/// Values have the total order of OPA: null, booleans, numbers, strings, arrays, objects, sets. A clone is
/// cheap.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// The value `null`, which is a value like others.
    Null,
    /// One of `true` and `false`.
    Bool(bool),
    /// A number, exact and of any size.
    Number(Number),
    /// A text of Unicode characters.
    String(Arc<str>),
    /// A list of values.
    Array(Array),
    /// A mapping of values to values, in the order of its keys.
    Object(Object),
    /// A set of values, in order.
    Set(Set),
}

/// A list of values.
#[derive(Clone, Default)]
pub struct Array(Arc<Sized<Vec<Value>>>);

/// A mapping of values to values, in the order of its keys.
#[derive(Clone, Default)]
pub struct Object(Arc<Sized<BTreeMap<Value, Value>>>);

/// A set of values, in order.
#[derive(Clone, Default)]
pub struct Set(Arc<Sized<BTreeSet<Value>>>);

/// Members, and how many levels they have.
#[derive(Clone, Default)]
struct Sized<T> {
    depth: usize,
    items: T,
}

impl Value {
    /// The value of a text.
    pub fn string(text: impl Into<Arc<str>>) -> Self {
        Value::String(text.into())
    }

    /// A list of values.
    pub fn array(items: impl IntoIterator<Item = Value>) -> Self {
        Value::Array(items.into_iter().collect())
    }

    /// A mapping; the last value of equal keys stays.
    pub fn object(pairs: impl IntoIterator<Item = (Value, Value)>) -> Self {
        Value::Object(pairs.into_iter().collect())
    }

    /// A set; the first of equal members stays.
    pub fn set(items: impl IntoIterator<Item = Value>) -> Self {
        Value::Set(items.into_iter().collect())
    }

    /// The levels of arrays, objects and sets: 0 for a scalar, 1 for `[]`.
    pub fn depth(&self) -> usize {
        match self {
            Value::Array(array) => array.0.depth + 1,
            Value::Object(object) => object.0.depth + 1,
            Value::Set(set) => set.0.depth + 1,
            _ => 0,
        }
    }

    /// The name of the type, as `type_name` has it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
            Value::Set(_) => "set",
        }
    }

    /// The member that a reference `value[key]` names: an array's by index, an object's by key, a set's member
    /// itself.
    pub fn get(&self, key: &Value) -> Option<&Value> {
        match self {
            Value::Array(array) => array.get_value(key),
            Value::Object(object) => object.get(key),
            Value::Set(set) => set.get(key),
            _ => None,
        }
    }

    /// The member of an object that has a text for its key.
    pub fn get_str(&self, key: &str) -> Option<&Value> {
        self.as_object().and_then(|object| object.get_str(key))
    }

    /// Every pair that `value[key]` enumerates, in order: index and item, key and value, member and member.
    pub fn pairs(&self) -> Box<dyn Iterator<Item = (Cow<'_, Value>, &Value)> + '_> {
        match self {
            Value::Array(array) => Box::new(
                array
                    .iter()
                    .enumerate()
                    .map(|(index, item)| (Cow::Owned(Value::from(index)), item)),
            ),
            Value::Object(object) => {
                Box::new(object.iter().map(|(key, value)| (Cow::Borrowed(key), value)))
            }
            Value::Set(set) => Box::new(set.iter().map(|item| (Cow::Borrowed(item), item))),
            _ => Box::new(std::iter::empty()),
        }
    }

    /// Whether the value is `true`.
    pub fn is_true(&self) -> bool {
        matches!(self, Value::Bool(true))
    }

    /// Whether the value is `false`: an expression with it does not hold, as an undefined one.
    pub fn is_false(&self) -> bool {
        matches!(self, Value::Bool(false))
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number of a number.
    pub fn as_number(&self) -> Option<&Number> {
        match self {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The array of an array.
    pub fn as_array(&self) -> Option<&Array> {
        match self {
            Value::Array(array) => Some(array),
            _ => None,
        }
    }

    /// The object of an object.
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The set of a set.
    pub fn as_set(&self) -> Option<&Set> {
        match self {
            Value::Set(set) => Some(set),
            _ => None,
        }
    }
}

impl Array {
    /// The items as a slice.
    pub fn as_slice(&self) -> &[Value] {
        &self.0.items
    }

    /// The items, one after another.
    pub fn iter(&self) -> std::slice::Iter<'_, Value> {
        self.0.items.iter()
    }

    /// The number of items.
    pub fn len(&self) -> usize {
        self.0.items.len()
    }

    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.0.items.is_empty()
    }

    /// The item at an index.
    pub fn get(&self, index: usize) -> Option<&Value> {
        self.0.items.get(index)
    }

    /// The item at an index that is a value; `1.0` is an index, `1e0` and `1.5` are not.
    pub fn get_value(&self, index: &Value) -> Option<&Value> {
        self.get(usize::try_from(index.as_number()?.as_i64()?).ok()?)
    }

    /// Appends an item at the end.
    pub fn push(&mut self, item: Value) {
        let inner = Arc::make_mut(&mut self.0);
        inner.depth = inner.depth.max(item.depth());
        inner.items.push(item);
    }
}

impl Object {
    /// The value of a key.
    pub fn get(&self, key: &Value) -> Option<&Value> {
        self.0.items.get(key)
    }

    /// The value of a key that is a text.
    pub fn get_str(&self, key: &str) -> Option<&Value> {
        self.get(&Value::from(key))
    }

    /// Whether the key is there.
    pub fn contains_key(&self, key: &Value) -> bool {
        self.0.items.contains_key(key)
    }

    /// The pairs, in the order of the keys.
    pub fn iter(&self) -> std::collections::btree_map::Iter<'_, Value, Value> {
        self.0.items.iter()
    }

    /// The keys, in order.
    pub fn keys(&self) -> std::collections::btree_map::Keys<'_, Value, Value> {
        self.0.items.keys()
    }

    /// The values, in the order of their keys.
    pub fn values(&self) -> std::collections::btree_map::Values<'_, Value, Value> {
        self.0.items.values()
    }

    /// The number of pairs.
    pub fn len(&self) -> usize {
        self.0.items.len()
    }

    /// Whether there is no pair.
    pub fn is_empty(&self) -> bool {
        self.0.items.is_empty()
    }

    /// Sets the value of a key. Answers the value that it had.
    pub fn insert(&mut self, key: Value, value: Value) -> Option<Value> {
        let inner = Arc::make_mut(&mut self.0);
        inner.depth = inner.depth.max(key.depth()).max(value.depth());
        inner.items.insert(key, value)
    }

    /// Takes a key out. Answers the value that it had.
    pub fn remove(&mut self, key: &Value) -> Option<Value> {
        if !self.contains_key(key) {
            return None;
        }
        Arc::make_mut(&mut self.0).items.remove(key)
    }

    /// Both objects; where both have a key, objects are joined and `other` has its way otherwise.
    #[must_use]
    pub fn union(&self, other: &Object) -> Object {
        let mut result = self.clone();
        for (key, value) in other.iter() {
            let joined = match (result.get(key), value) {
                (Some(Value::Object(left)), Value::Object(right)) => {
                    Value::Object(left.union(right))
                }
                _ => value.clone(),
            };
            result.insert(key.clone(), joined);
        }
        result
    }
}

impl Set {
    /// Whether the member is there.
    pub fn contains(&self, item: &Value) -> bool {
        self.0.items.contains(item)
    }

    /// The member that equals a value.
    pub fn get(&self, item: &Value) -> Option<&Value> {
        self.0.items.get(item)
    }

    /// The members, in order.
    pub fn iter(&self) -> std::collections::btree_set::Iter<'_, Value> {
        self.0.items.iter()
    }

    /// The number of members.
    pub fn len(&self) -> usize {
        self.0.items.len()
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.0.items.is_empty()
    }

    /// Adds a member. Answers whether it was not there.
    pub fn insert(&mut self, item: Value) -> bool {
        if self.contains(&item) {
            return false;
        }
        let inner = Arc::make_mut(&mut self.0);
        inner.depth = inner.depth.max(item.depth());
        inner.items.insert(item)
    }

    /// The members of either.
    #[must_use]
    pub fn union(&self, other: &Set) -> Set {
        let mut result = self.clone();
        for item in other.iter() {
            result.insert(item.clone());
        }
        result
    }

    /// The members of both.
    #[must_use]
    pub fn intersection(&self, other: &Set) -> Set {
        self.iter().filter(|item| other.contains(item)).cloned().collect()
    }

    /// The members that `other` does not have.
    #[must_use]
    pub fn difference(&self, other: &Set) -> Set {
        self.iter().filter(|item| !other.contains(item)).cloned().collect()
    }
}

impl FromIterator<Value> for Array {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Self {
        let items: Vec<Value> = items.into_iter().collect();
        let depth = items.iter().map(Value::depth).max().unwrap_or(0);
        Array(Arc::new(Sized { depth, items }))
    }
}

impl FromIterator<(Value, Value)> for Object {
    fn from_iter<I: IntoIterator<Item = (Value, Value)>>(pairs: I) -> Self {
        let items: BTreeMap<Value, Value> = pairs.into_iter().collect();
        let depth =
            items.iter().map(|(key, value)| key.depth().max(value.depth())).max().unwrap_or(0);
        Object(Arc::new(Sized { depth, items }))
    }
}

impl FromIterator<Value> for Set {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Self {
        let mut set = BTreeSet::new();
        let mut depth = 0;
        for item in items {
            depth = depth.max(item.depth());
            set.insert(item);
        }
        Set(Arc::new(Sized { depth, items: set }))
    }
}

impl From<Array> for Value {
    fn from(array: Array) -> Self {
        Value::Array(array)
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Value::Object(object)
    }
}

impl From<Set> for Value {
    fn from(set: Set) -> Self {
        Value::Set(set)
    }
}

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        Value::Number(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Value::Bool(truth)
    }
}

impl From<i64> for Value {
    fn from(int: i64) -> Self {
        Value::Number(int.into())
    }
}

impl From<usize> for Value {
    fn from(int: usize) -> Self {
        Value::Number(int.into())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::String(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::String(text.into())
    }
}

macro_rules! compare_members {
    ($type:ident) => {
        impl PartialEq for $type {
            fn eq(&self, other: &Self) -> bool {
                Arc::ptr_eq(&self.0, &other.0) || self.0.items == other.0.items
            }
        }

        impl Eq for $type {}

        impl PartialOrd for $type {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Hash for $type {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.0.items.hash(state);
            }
        }
    };
}

compare_members!(Array);
compare_members!(Object);
compare_members!(Set);

impl Ord for Array {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.items.cmp(&other.0.items)
    }
}

impl Ord for Object {
    /// Key by key, and for equal keys value by value, as OPA does.
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.items.iter().cmp(other.0.items.iter())
    }
}

impl Ord for Set {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.items.cmp(&other.0.items)
    }
}

impl fmt::Display for Value {
    /// The value as a term of Rego, as `sprintf("%v")` prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::print::term(self, f)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

//! Functions of objects, and of documents by their paths.

use crate::builtin::{Answer, Args, Call, some};
use crate::context::{Context, Error, ErrorKind};
use crate::value::{Array, Object, Set, Value};

pub(crate) const TABLE: &[(&str, Call)] = &[
    ("object.get", get),
    ("object.keys", |_, args| some(Value::set(args.object(0)?.keys().cloned()))),
    ("object.remove", |_, args| select(args, false)),
    ("object.filter", |_, args| select(args, true)),
    ("object.union", |_, args| some(args.object(0)?.union(args.object(1)?))),
    ("object.union_n", union_n),
    ("object.subset", subset),
    ("json.filter", filter),
    ("json.remove", remove),
    ("json.patch", patch),
    ("walk", walk),
    ("graph.reachable", reachable),
    ("graph.reachable_paths", reachable_paths),
];

/// The value of a key, or of a path; an array is a path.
fn get(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    args.object(0)?;
    let (object, default) = (args.value(0), args.value(2));
    let found = match args.value(1) {
        Value::Array(path) if path.is_empty() => Some(object),
        Value::Array(path) => path.iter().try_fold(object, Value::get),
        key => object.get(key),
    };
    some(found.unwrap_or(default).clone())
}

fn select(args: &Args<'_>, is_kept: bool) -> Answer {
    let object = args.object(0)?;
    let keys: Set = match args.value(1) {
        Value::Array(keys) => keys.iter().cloned().collect(),
        Value::Set(keys) => keys.clone(),
        Value::Object(keys) => keys.keys().cloned().collect(),
        _ => return Err(args.wrong(1, &["object", "set", "array"])),
    };
    let pairs = object.iter().filter(|(key, _)| keys.contains(key) == is_kept);
    some(Value::object(pairs.map(|(key, value)| (key.clone(), value.clone()))))
}

fn union_n(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let mut result = Object::default();
    for item in args.array(0)?.iter() {
        let Value::Object(object) = item else {
            return Err(Error::element(1, args.value(0), item, &["object"]));
        };
        result = result.union(object);
    }
    some(result)
}

fn subset(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    some(match (args.value(0), args.value(1)) {
        (Value::Object(whole), Value::Object(part)) => has_object(whole, part),
        (Value::Set(whole), Value::Set(part)) => part.iter().all(|item| whole.contains(item)),
        (Value::Array(whole), Value::Array(part)) => has_array(whole, part),
        (Value::Array(whole), Value::Set(part)) => has_members(whole, part),
        _ => {
            let message = "both arguments object.subset must be of the same type or array and set";
            return Err(Error { kind: ErrorKind::Type, message: message.to_owned() });
        }
    })
}

fn has_object(whole: &Object, part: &Object) -> bool {
    part.iter().all(|(key, part)| match (whole.get(key), part) {
        (Some(whole), part) if whole == part => true,
        (Some(Value::Object(whole)), Value::Object(part)) => has_object(whole, part),
        (Some(Value::Set(whole)), Value::Set(part)) => part.iter().all(|item| whole.contains(item)),
        (Some(Value::Array(whole)), Value::Array(part)) => has_array(whole, part),
        _ => false,
    })
}

fn has_array(whole: &Array, part: &Array) -> bool {
    part.is_empty() || whole.as_slice().windows(part.len()).any(|window| window == part.as_slice())
}

/// As OPA counts: an item that comes twice counts twice, and an empty array has no set at all.
fn has_members(whole: &Array, part: &Set) -> bool {
    let mut missing = part.len();
    whole.iter().any(|item| {
        if part.contains(item) {
            missing = missing.saturating_sub(1);
        }
        missing == 0
    })
}

/// The parts of a path: of a text between slashes, or the items of an array.
fn path(place: usize, value: &Value) -> Result<Vec<Value>, Error> {
    match value {
        Value::String(text) if text.is_empty() => Ok(Vec::new()),
        Value::String(text) => {
            let parts = text.trim_start_matches('/').split('/');
            Ok(parts.map(|part| Value::from(part.replace("~1", "/").replace("~0", "~"))).collect())
        }
        Value::Array(parts) => Ok(parts.iter().cloned().collect()),
        _ => Err(Error {
            kind: ErrorKind::Type,
            message: format!(
                "operand {place} must be one of {{set, array}} containing string paths or array of path segments but got {}",
                value.type_name()
            ),
        }),
    }
}

/// The tree of several paths; `null` is the end of a path, and a shorter path hides a longer one.
fn tree(args: &Args<'_>) -> Result<Object, Error> {
    let mut root = Object::default();
    for item in args.members(1).map_err(|_| args.wrong(1, &["set", "array"]))? {
        let parts = path(2, item)?;
        // The nesting of the tree is that of the paths.
        if parts.len() > crate::MAX_DEPTH {
            return Err(Error::halt("a path has too many parts"));
        }
        plant(&mut root, &parts);
    }
    Ok(root)
}

fn plant(node: &mut Object, parts: &[Value]) {
    let Some((first, rest)) = parts.split_first() else { return };
    if rest.is_empty() {
        node.insert(first.clone(), Value::Null);
        return;
    }
    let mut child = match node.get(first) {
        Some(Value::Null) => return,
        Some(Value::Object(child)) => child.clone(),
        _ => Object::default(),
    };
    plant(&mut child, rest);
    node.insert(first.clone(), child.into());
}

fn filter(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    args.object(0)?;
    some(filtered(args.value(0), &Value::Object(tree(args)?)))
}

fn filtered(value: &Value, tree: &Value) -> Value {
    let Value::Object(tree) = tree else { return value.clone() };
    match value {
        Value::Array(array) => {
            let items = array.iter().enumerate();
            Value::array(items.filter_map(|(index, item)| {
                Some(filtered(item, tree.get_str(&index.to_string())?))
            }))
        }
        Value::Set(set) => {
            Value::set(set.iter().filter_map(|item| Some(filtered(item, tree.get(item)?))))
        }
        Value::Object(object) => {
            let pairs = object.iter();
            Value::object(
                pairs.filter_map(|(key, value)| {
                    Some((key.clone(), filtered(value, tree.get(key)?)))
                }),
            )
        }
        scalar => scalar.clone(),
    }
}

fn remove(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    args.object(0)?;
    Ok(removed(args.value(0), Some(&Value::Object(tree(args)?))))
}

fn removed(value: &Value, tree: Option<&Value>) -> Option<Value> {
    let tree = match tree {
        Some(Value::Object(tree)) => tree,
        Some(Value::Null) => return None,
        _ => return Some(value.clone()),
    };
    Some(match value {
        Value::Array(array) => {
            let items = array.iter().enumerate();
            Value::array(
                items.filter_map(|(index, item)| removed(item, tree.get_str(&index.to_string()))),
            )
        }
        Value::Set(set) => Value::set(set.iter().filter_map(|item| removed(item, tree.get(item)))),
        Value::Object(object) => {
            let pairs = object.iter();
            Value::object(
                pairs
                    .filter_map(|(key, value)| Some((key.clone(), removed(value, tree.get(key))?))),
            )
        }
        scalar => scalar.clone(),
    })
}

fn patch(context: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let mut document = Some(args.value(0).clone());
    for item in args.array(1)?.iter() {
        let Value::Object(step) = item else {
            let message =
                "must be an array of JSON-Patch objects, but at least one element is not an object";
            return Err(Error::new(message));
        };
        context.charge(1_000)?;
        document = patched(document, step)?;
        if document.as_ref().is_some_and(|document| document.depth() > crate::MAX_DEPTH) {
            return Err(Error::halt("a patched document nests too deep"));
        }
    }
    Ok(document)
}

/// One step of a patch. A document of which the root was removed is `None`.
fn patched(document: Option<Value>, step: &Object) -> Result<Option<Value>, Error> {
    let member = |name: &str| {
        step.get_str(name).ok_or_else(|| Error::new(format!("missing '{name}' attribute")))
    };
    let Value::String(op) = member("op")? else {
        return Err(Error::new("attribute 'op' must be a string"));
    };
    if !matches!(op.as_ref(), "add" | "remove" | "replace" | "move" | "copy" | "test") {
        return Err(Error::new(format!("unrecognized op '{op}'")));
    }
    let to = path(2, member("path")?)?;
    let found = |document: &Option<Value>, parts: &[Value]| -> Result<Value, Error> {
        let root = document.as_ref().ok_or_else(|| Error::new("the document was removed"))?;
        parts.iter().try_fold(root, child).cloned().ok_or_else(|| Error::new("path does not exist"))
    };
    match op.as_ref() {
        "add" => insert(document, &to, member("value")?.clone()),
        "remove" if to.is_empty() => Err(Error::new("the whole document cannot be removed")),
        "remove" => delete(document, &to),
        "replace" => {
            let value = member("value")?.clone();
            insert(delete(document, &to)?, &to, value)
        }
        "move" => {
            let from = path(2, member("from")?)?;
            let value = found(&document, &from)?;
            insert(delete(document, &from)?, &to, value)
        }
        "copy" => {
            let from = path(2, member("from")?)?;
            let value = found(&document, &from)?;
            insert(document, &to, value)
        }
        _ => {
            let value = member("value")?;
            if found(&document, &to)? != *value {
                return Err(Error::new("a value is not the one that the patch expects"));
            }
            Ok(document)
        }
    }
}

/// The place in an array that a part of a path names; `-` is behind the last item.
fn index(part: &Value, length: usize) -> Option<usize> {
    match part {
        Value::Number(number) => usize::try_from(number.as_i64()?).ok(),
        Value::String(text) if text.as_ref() == "-" => Some(length),
        Value::String(text) if text.len() > 1 && text.starts_with('0') => None,
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn child<'a>(value: &'a Value, part: &Value) -> Option<&'a Value> {
    match value {
        Value::Array(array) => array.get(index(part, array.len())?),
        Value::Object(object) => object.get(part),
        Value::Set(set) => set.get(part),
        _ => None,
    }
}

fn insert(document: Option<Value>, parts: &[Value], new: Value) -> Result<Option<Value>, Error> {
    let Some((last, parents)) = parts.split_last() else { return Ok(Some(new)) };
    change(document, parents, &mut |parent| match parent {
        Value::Array(array) => {
            let place = index(last, array.len()).filter(|place| *place <= array.len());
            let place =
                place.ok_or_else(|| Error::new("index for array insertion out of bounds"))?;
            let mut items: Vec<Value> = array.iter().cloned().collect();
            items.insert(place, new.clone());
            Ok(Value::array(items))
        }
        Value::Object(object) => {
            let mut object = object.clone();
            object.insert(last.clone(), new.clone());
            Ok(object.into())
        }
        Value::Set(set) if *last == new => {
            let mut set = set.clone();
            set.insert(new.clone());
            Ok(set.into())
        }
        Value::Set(_) => Err(Error::new("set key does not equal value to be inserted")),
        _ => Err(Error::new("expected composite type")),
    })
}

fn delete(document: Option<Value>, parts: &[Value]) -> Result<Option<Value>, Error> {
    let Some((last, parents)) = parts.split_last() else { return Ok(None) };
    change(document, parents, &mut |parent| match parent {
        Value::Array(array) => {
            let place = index(last, array.len()).filter(|place| *place < array.len());
            let place = place.ok_or_else(|| Error::new("index for array delete out of bounds"))?;
            let mut items: Vec<Value> = array.iter().cloned().collect();
            items.remove(place);
            Ok(Value::array(items))
        }
        Value::Object(object) => {
            let mut object = object.clone();
            object
                .remove(last)
                .ok_or_else(|| Error::new("cannot delete child key that does not exist"))?;
            Ok(object.into())
        }
        Value::Set(set) if set.contains(last) => {
            Ok(Value::set(set.iter().filter(|item| *item != last).cloned()))
        }
        Value::Set(_) => Err(Error::new("cannot delete child key that does not exist")),
        _ => Err(Error::new("expected composite type")),
    })
}

type Change<'a> = dyn FnMut(&Value) -> Result<Value, Error> + 'a;

/// Changes the value at a path, and all values on the way to it.
fn change(
    document: Option<Value>,
    parts: &[Value],
    to: &mut Change<'_>,
) -> Result<Option<Value>, Error> {
    let root = document.ok_or_else(|| Error::new("the document was removed"))?;
    if parts.len() > crate::MAX_DEPTH {
        return Err(Error::new("path does not exist"));
    }
    changed(&root, parts, to).map(Some)
}

fn changed(value: &Value, parts: &[Value], to: &mut Change<'_>) -> Result<Value, Error> {
    let Some((first, rest)) = parts.split_first() else { return to(value) };
    let old = child(value, first).ok_or_else(|| Error::new("path does not exist"))?;
    let new = changed(old, rest, to)?;
    Ok(match value {
        Value::Array(array) => {
            let place = index(first, array.len());
            let items = array.iter().enumerate();
            Value::array(
                items.map(|(at, item)| if Some(at) == place { new.clone() } else { item.clone() }),
            )
        }
        Value::Object(object) => {
            let mut object = object.clone();
            object.insert(first.clone(), new);
            object.into()
        }
        Value::Set(set) => {
            Value::set(set.iter().filter(|item| *item != first).cloned().chain([new]))
        }
        scalar => scalar.clone(),
    })
}

/// Every path of a document with its value, parents before their members.
fn walk(context: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let mut pairs = Vec::new();
    visit(context, args.value(0), &mut Vec::new(), &mut pairs)?;
    some(Value::array(pairs))
}

fn visit(
    context: &mut Context<'_>,
    value: &Value,
    path: &mut Vec<Value>,
    pairs: &mut Vec<Value>,
) -> Result<(), Error> {
    context.charge(64 + path.len() * 24)?;
    pairs.push(Value::array([Value::array(path.iter().cloned()), value.clone()]));
    for (key, item) in value.pairs() {
        path.push(key.into_owned());
        visit(context, item, path, pairs)?;
        path.pop();
    }
    Ok(())
}

/// The neighbours of a node of a graph.
fn neighbours(graph: &Object, node: &Value) -> Vec<Value> {
    match graph.get(node) {
        Some(Value::Array(array)) => array.iter().cloned().collect(),
        Some(Value::Set(set)) => set.iter().cloned().collect(),
        _ => Vec::new(),
    }
}

fn reachable(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let graph = args.object(0)?;
    let mut open: Vec<Value> = args.members(1)?.into_iter().cloned().collect();
    let mut found = Set::default();
    while let Some(node) = open.pop() {
        if graph.contains_key(&node) && found.insert(node.clone()) {
            open.extend(neighbours(graph, &node));
        }
    }
    some(found)
}

fn reachable_paths(context: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let graph = args.object(0)?;
    let mut paths = Set::default();
    for node in args.members(1)? {
        if !graph.contains_key(node) {
            continue;
        }
        let edges = neighbours(graph, node);
        if edges.is_empty() {
            paths.insert(Value::array([node.clone()]));
        }
        for next in edges {
            follow(context, graph, (vec![node.clone()], next), &mut paths)?;
        }
    }
    some(paths)
}

/// Follows all edges from a path and the node after it. A path ends at a node without edges, before a node that
/// is not in the graph, and before a node that it has already.
fn follow(
    context: &mut Context<'_>,
    graph: &Object,
    start: (Vec<Value>, Value),
    paths: &mut Set,
) -> Result<(), Error> {
    let mut open = vec![start];
    while let Some((mut path, node)) = open.pop() {
        context.charge(path.len() * 24)?;
        if !graph.contains_key(&node) {
            paths.insert(Value::array(path));
            continue;
        }
        path.push(node.clone());
        let edges = neighbours(graph, &node);
        if edges.is_empty() {
            paths.insert(Value::array(path));
            continue;
        }
        for next in edges {
            if path.contains(&next) {
                paths.insert(Value::array(path.iter().cloned()));
            } else {
                open.push((path.clone(), next));
            }
        }
    }
    Ok(())
}

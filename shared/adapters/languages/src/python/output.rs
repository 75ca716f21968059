//! Conversion of Python objects to compact JSON, as `json.dumps` does it, except that a value without
//! a JSON form is refused with its path, and that text beyond ASCII is not escaped.

use std::fmt;

use rustpython_vm::builtins::{PyDict, PyFloat, PyInt, PyList, PyStr, PyTuple};
use rustpython_vm::{AsObject, PyObject, PyObjectRef, VirtualMachine, literal};

use crate::Failure;

/// The deepest nesting of an output, the same in every language; JSON readers have such limits too.
const DEPTH_MAX: usize = 100;

/// Converts a value to JSON of at most `bytes_max` bytes.
pub(super) fn to_json(
    value: &PyObject,
    bytes_max: usize,
    vm: &VirtualMachine,
) -> Result<String, Failure> {
    let mut writer = Writer { json: String::new(), bytes_max, vm };
    writer.value(value, &Path::ROOT)?;
    Ok(writer.json)
}

/// The path of a value, as a chain through the stack frames.
struct Path<'a> {
    parent: Option<(&'a Path<'a>, &'a PyObject)>,
    step: Step<'a>,
    depth: usize,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Index(usize),
    Key(&'a str),
}

impl<'a> Path<'a> {
    const ROOT: Self = Self { parent: None, step: Step::Root, depth: 0 };

    /// The path of a child of `container`, which is at this path.
    fn child(&'a self, container: &'a PyObject, step: Step<'a>) -> Self {
        Self { parent: Some((self, container)), step, depth: self.depth + 1 }
    }

    fn contains(&self, value: &PyObject) -> bool {
        let mut at = self.parent;
        while let Some((path, container)) = at {
            if container.is(value) {
                return true;
            }
            at = path.parent;
        }
        false
    }

    fn error(&self, what: impl fmt::Display) -> Failure {
        let location = match self.step {
            Step::Root => "the top".to_owned(),
            _ => format!("`{self}`"),
        };
        Failure::NotJson { what: format!("{what} at {location}") }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((parent, _)) = self.parent {
            parent.fmt(f)?;
        }
        let first = self.depth <= 1;
        match self.step {
            Step::Root => Ok(()),
            Step::Index(index) => write!(f, "[{index}]"),
            Step::Key(key)
                if key.chars().all(|c| c.is_alphanumeric() || c == '_') && !key.is_empty() =>
            {
                write!(f, "{}{key}", if first { "" } else { "." })
            }
            Step::Key(key) => write!(f, "[{key:?}]"),
        }
    }
}

struct Writer<'vm> {
    json: String,
    bytes_max: usize,
    vm: &'vm VirtualMachine,
}

impl Writer<'_> {
    fn put(&mut self, text: &str) -> Result<(), Failure> {
        if self.json.len() + text.len() > self.bytes_max {
            return Err(Failure::OutputTooLarge { budget_bytes: self.bytes_max });
        }
        self.json.push_str(text);
        Ok(())
    }

    fn value(&mut self, value: &PyObject, path: &Path<'_>) -> Result<(), Failure> {
        if self.vm.is_none(value) {
            self.put("null")
        } else if let Some(text) = value.downcast_ref::<PyStr>() {
            self.text(text, path)
        } else if let Some(number) = value.downcast_ref::<PyInt>() {
            let text = self.integer(value, number);
            self.put(&text)
        } else if let Some(number) = value.downcast_ref::<PyFloat>() {
            let text = finite_number(number, path)?;
            self.put(&text)
        } else {
            self.container(value, path)
        }
    }

    fn container(&mut self, value: &PyObject, path: &Path<'_>) -> Result<(), Failure> {
        if path.contains(value) {
            return Err(path.error("a reference to what contains it"));
        }
        if path.depth >= DEPTH_MAX {
            return Err(Failure::NotJson {
                what: format!("values nested more than {DEPTH_MAX} deep"),
            });
        }
        if let Some(dict) = value.downcast_ref::<PyDict>() {
            self.dict(dict.into_iter(), value, path)
        } else if let Some(list) = value.downcast_ref::<PyList>() {
            // No Python code runs while this is borrowed.
            self.array(&list.borrow_vec(), value, path)
        } else if let Some(tuple) = value.downcast_ref::<PyTuple>() {
            self.array(tuple.as_slice(), value, path)
        } else {
            Err(path.error(format_args!("a value of type `{}`", value.class().name())))
        }
    }

    fn array(
        &mut self,
        items: &[PyObjectRef],
        container: &PyObject,
        path: &Path<'_>,
    ) -> Result<(), Failure> {
        self.put("[")?;
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.put(",")?;
            }
            self.value(item, &path.child(container, Step::Index(index)))?;
        }
        self.put("]")
    }

    fn dict(
        &mut self,
        members: impl Iterator<Item = (PyObjectRef, PyObjectRef)>,
        container: &PyObject,
        path: &Path<'_>,
    ) -> Result<(), Failure> {
        self.put("{")?;
        for (index, (key, member)) in members.enumerate() {
            if index > 0 {
                self.put(",")?;
            }
            let name = self.key(&key, path)?;
            let child = path.child(container, Step::Key(&name));
            self.quoted(&name)?;
            self.put(":")?;
            self.value(&member, &child)?;
        }
        self.put("}")
    }

    /// The text that `json.dumps` writes for a key.
    fn key(&self, key: &PyObject, path: &Path<'_>) -> Result<String, Failure> {
        if self.vm.is_none(key) {
            Ok("null".to_owned())
        } else if let Some(text) = key.downcast_ref::<PyStr>() {
            text.to_str().map(str::to_owned).ok_or_else(|| path.error("a lone surrogate in a key"))
        } else if let Some(number) = key.downcast_ref::<PyInt>() {
            Ok(self.integer(key, number))
        } else if let Some(number) = key.downcast_ref::<PyFloat>() {
            finite_number(number, path)
        } else {
            Err(path.error(format_args!("a key of type `{}`", key.class().name())))
        }
    }

    fn integer(&self, object: &PyObject, number: &PyInt) -> String {
        if object.fast_isinstance(self.vm.ctx.types.bool_type) {
            let truth = *number.as_bigint() != 0.into();
            return if truth { "true" } else { "false" }.to_owned();
        }
        number.to_str_radix_10()
    }

    fn text(&mut self, text: &PyStr, path: &Path<'_>) -> Result<(), Failure> {
        match text.to_str() {
            Some(text) => self.quoted(text),
            None => Err(path.error("a lone surrogate")),
        }
    }

    fn quoted(&mut self, text: &str) -> Result<(), Failure> {
        // Escaping only lengthens a text: if it is too long already, it need not be escaped.
        if self.json.len() + text.len() > self.bytes_max {
            return Err(Failure::OutputTooLarge { budget_bytes: self.bytes_max });
        }
        let quoted = serde_json::Value::from(text).to_string();
        self.put(&quoted)
    }
}

fn finite_number(number: &PyFloat, path: &Path<'_>) -> Result<String, Failure> {
    let number = number.to_f64();
    if number.is_finite() {
        return Ok(literal::float::to_string(number));
    }
    let name = if number.is_nan() {
        "nan"
    } else if number > 0.0 {
        "inf"
    } else {
        "-inf"
    };
    Err(path.error(name))
}

//! The proof on cases from data files, and an audit of the allow-list.

use rustpython_vm::compiler::parser;

use super::*;
use crate::python::tests::{policy, with_python};

fn cases(text: &str) -> Vec<(&str, String)> {
    let cases = text.split("\n== ").skip(1).map(|case| {
        let (name, code) = case.split_once('\n').unwrap_or((case, ""));
        let module = match code.strip_prefix("module:\n") {
            Some(module) => module.to_owned(),
            None => match code.strip_prefix("imports: ").and_then(|rest| rest.split_once('\n')) {
                Some((imports, body)) => policy(imports, body),
                None => policy("", code),
            },
        };
        (name, module)
    });
    cases.collect()
}

fn obstacle(code: &str) -> Option<Obstacle> {
    let module =
        parser::parse_module(code).unwrap_or_else(|error| panic!("{error}\n{code}")).into_syntax();
    prove(&module.body).err()
}

#[test]
fn what_could_change_shared_state_is_single_use() {
    let cases = cases(include_str!("cases/single_use.txt"));
    assert!(cases.len() >= 25);
    let wrong: Vec<&str> =
        cases.iter().filter(|(_, code)| obstacle(code).is_none()).map(|(name, _)| *name).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_documented_style_is_proven() {
    let cases = cases(include_str!("cases/reusable.txt"));
    assert!(cases.len() >= 15);
    let wrong: Vec<_> =
        cases.iter().filter_map(|(name, code)| obstacle(code).map(|why| (name, why))).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A listed name exists, has no public mutable attribute, and no mutable default argument.
#[test]
fn the_listed_names_are_what_the_list_says() {
    const AUDIT: &str = "
import sys
def audit(paths):
    simple = (int, float, str, bytes, bool, type(None), tuple, frozenset)
    wrong = []
    for path in paths:
        module, _, rest = path.partition('!')
        thing = sys.modules.get(module)
        try:
            for name in rest.split('.'):
                thing = getattr(thing, name)
        except AttributeError:
            wrong.append(path + ' is missing')
            continue
        if isinstance(thing, (dict, list, set, bytearray)) or type(thing).__name__ == 'module':
            wrong.append(path + ' is mutable')
        defaults = list(getattr(thing, '__defaults__', None) or ()) + list((getattr(thing, '__kwdefaults__', None) or {}).values())
        if any(isinstance(d, (dict, list, set, bytearray)) for d in defaults):
            wrong.append(path + ' has a mutable default')
        if isinstance(thing, type):
            for name in dir(thing):
                value = None if name.startswith('_') or name == 'mro' else getattr(thing, name, None)
                if isinstance(value, (dict, list, set, bytearray)) or type(value).__name__ == 'module':
                    wrong.append(path + '.' + name + ' is mutable')
    return wrong

class AIOSv1PolicyRule:
    def __init__(self, rule_id, settings, parameters): pass
    def eval(self, parameters, input_data, context): return audit(input_data)
";
    let modules = super::super::modules::SUPPORTED;
    let split = |path: &String| {
        let ends = path.match_indices('.').map(|(at, _)| at);
        let longest = ends.filter(|&at| modules.contains(&&path[..at])).max().unwrap();
        format!("\"{}!{}\"", &path[..longest], &path[longest + 1..])
    };
    let mut paths: Vec<String> = allowlist::allowlist().keys().map(split).collect();
    paths.sort();
    with_python(|python| {
        let call = crate::python::tests::call("{}", &format!("[{}]", paths.join(",")));
        let outcome = crate::python::tests::run(python, AUDIT, &call).unwrap();
        assert_eq!(outcome.output.as_str(), "[]");
    });
}

/// The second line of defence: nearly every object that a policy can name refuses new attributes.
#[test]
fn builtins_and_shims_refuse_attributes() {
    const PROBE: &str = "
import sys
builtins = sys.modules['builtins']
class AIOSv1PolicyRule:
    def __init__(self, rule_id, settings, parameters): pass
    def eval(self, parameters, input_data, context):
        open_to_change = []
        things = [(name, getattr(builtins, name)) for name in dir(builtins) if not name.startswith('_')]
        things += [('stdout', sys.stdout), ('context', context), ('pattern', __import__('re').compile('a'))]
        things += [('dict', {}), ('none', None), ('bound', [].append), ('utc', __import__('datetime').timezone.utc)]
        for name, thing in things:
            try:
                setattr(thing, 'probe', 1)
                open_to_change.append(name)
            except (AttributeError, TypeError):
                pass
        return open_to_change
";
    with_python(|python| {
        let call = crate::python::tests::call("{}", "{}");
        let outcome = crate::python::tests::run(python, PROBE, &call).unwrap();
        // `input` and `open` are functions of the shims, which a policy cannot name. The
        // interpreter accepts attributes on the other three: only the rule for stores protects
        // them.
        assert_eq!(outcome.output.as_str(), r#"["ExceptionGroup","input","open","slice","super"]"#);
    });
}

//! Policies from templates, by filling the templates' slots.

use std::collections::HashMap;

use cedar_policy::ffi::DetailedError;
use cedar_policy::{EntityUid, PolicyId, PolicySet, SlotId};
use serde_json::{Map, Value};

use super::{diagnose, reference};

/// The members of a link, each with all its names: those of this platform, those of the file that
/// Cedar's command line writes (`link_id`, `args`), and those of its JSON format of policies.
const MEMBERS: [&[&str]; 3] =
    [&["template_id", "templateId"], &["new_id", "newId", "link_id"], &["values", "args"]];

/// Adds the policies of a list of links; `location` is the list's path in the documents.
///
/// # Errors
/// The first link that is invalid, with its path.
pub(super) fn add(set: &mut PolicySet, links: &Value, location: &str) -> Result<(), String> {
    let Value::Array(links) = links else {
        return Err(format!(
            "`{location}` is a list of `{{\"template_id\", \"new_id\", \"values\"}}`"
        ));
    };
    for (index, link) in links.iter().enumerate() {
        add_link(set, link).map_err(|problem| format!("`{location}[{index}]`: {problem}"))?;
    }
    Ok(())
}

fn add_link(set: &mut PolicySet, link: &Value) -> Result<(), String> {
    let Value::Object(link) = link else {
        return Err("a link is an object of `template_id`, `new_id` and `values`".to_owned());
    };
    if let Some(unknown) =
        link.keys().find(|key| !MEMBERS.iter().any(|names| names.contains(&key.as_str())))
    {
        return Err(format!(
            "a link has no `{unknown}`, only `template_id`, `new_id` and `values`"
        ));
    }
    let [template_names, id_names, value_names] = MEMBERS;
    let template = PolicyId::new(text(link, template_names)?);
    let id = PolicyId::new(text(link, id_names)?);
    let Some(Value::Object(values)) = member(link, value_names)? else {
        return Err(
            "`values` is an object of slots, as `{\"?principal\": \"User::\\\"alice\\\"\"}`"
                .to_owned(),
        );
    };
    let mut slots: HashMap<SlotId, EntityUid> = HashMap::new();
    for (slot, value) in values {
        let slot_id = match slot.as_str() {
            "?principal" => SlotId::principal(),
            "?resource" => SlotId::resource(),
            other => {
                return Err(format!(
                    "there is no slot `{other}`, only `?principal` and `?resource`"
                ));
            }
        };
        let uid = reference::parse(value).map_err(|problem| format!("`{slot}`: {problem}"))?;
        slots.insert(slot_id, uid);
    }
    set.link(template, id, slots)
        .map_err(|error| diagnose::message_with_help(DetailedError::from(&error)))
}

/// The member of a link by the first of its names; its other names are those of Cedar's formats.
fn member<'l>(
    link: &'l Map<String, Value>,
    names: &[&'static str],
) -> Result<Option<&'l Value>, String> {
    let mut found = names.iter().filter_map(|name| Some((name, link.get(*name)?)));
    match (found.next(), found.next()) {
        (Some((one, _)), Some((other, _))) => {
            Err(format!("`{one}` and `{other}` are the same member: write one of them"))
        }
        (first, _) => Ok(first.map(|(_, value)| value)),
    }
}

fn text<'l>(link: &'l Map<String, Value>, names: &[&'static str]) -> Result<&'l str, String> {
    match member(link, names)? {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        _ => {
            Err(format!("`{}` is the name of a policy", names.first().copied().unwrap_or_default()))
        }
    }
}

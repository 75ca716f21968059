//! Policies from templates, by filling the templates' slots.

use std::collections::HashMap;

use cedar_policy::ffi::DetailedError;
use cedar_policy::{EntityUid, PolicyId, PolicySet, SlotId};
use serde_json::{Map, Value};

use super::{diagnose, reference};

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
        link.keys().find(|key| !["template_id", "new_id", "values"].contains(&key.as_str()))
    {
        return Err(format!(
            "a link has no `{unknown}`, only `template_id`, `new_id` and `values`"
        ));
    }
    let template = PolicyId::new(text(link, "template_id")?);
    let id = PolicyId::new(text(link, "new_id")?);
    let Some(Value::Object(values)) = link.get("values") else {
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

fn text<'l>(link: &'l Map<String, Value>, member: &str) -> Result<&'l str, String> {
    match link.get(member) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        _ => Err(format!("`{member}` is the name of a policy")),
    }
}

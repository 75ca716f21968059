//! Finds the fields that a filter restricts to a few strings.

use writ_query::{Filter, Index, Plan};

/// The strings to which a filter restricts a field.
pub(crate) struct Points {
    pub(crate) values: Vec<String>,
    /// Whether the filter has no other condition.
    pub(crate) only: bool,
}

/// The strings to which the filter restricts the field, if they are at most `max`.
pub(crate) fn points(filter: &Filter, index: Index, max: usize) -> Option<Points> {
    let plan = Plan::choose(filter, None, &[index]);
    plan.index?;
    let values = plan.ranges.iter().map(|range| range.as_point().map(str::to_owned));
    let values: Vec<String> = values.collect::<Option<_>>()?;
    // No stored URI is longer, and DynamoDB refuses keys over 2,048 bytes.
    let fits = values.iter().all(|value| value.len() <= 1_024);
    let few = !values.is_empty() && values.len() <= max;
    (fits && few).then_some(Points { values, only: !plan.residual })
}

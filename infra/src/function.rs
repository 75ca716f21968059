//! The functions: one for each route.

use std::path::Path;

use writ_edge::{IdempotencyPorts, RouteSpec};
use writ_routes::{BINARIES, Binary};

use crate::{InfraError, Needs, Size, Sizing};

/// A function and everything that its template says of it.
#[derive(Clone, Debug)]
pub struct Function {
    /// The route that it serves.
    pub spec: RouteSpec,
    /// The resource that the route belongs to; its stack has this name.
    pub resource: &'static str,
    /// The program that serves it.
    pub binary: &'static str,
    /// Memory, time limit and concurrency of the function.
    pub size: Size,
    /// What its handler needs, and what honours its `Idempotency-Key`.
    pub needs: Needs,
}

impl Function {
    /// What stands behind the prefix in the function's name.
    #[must_use]
    pub fn name(&self) -> String {
        self.spec.name.replace('.', "-")
    }

    /// The method and path, as the gateway writes them.
    #[must_use]
    pub fn route_key(&self) -> String {
        format!("{} {}", self.spec.method, self.spec.path)
    }
}

/// A name as CloudFormation wants it: `executor.execute_policy` is `ExecutorExecutePolicy`.
#[must_use]
pub fn identifier(name: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
    };
    name.split(['.', '_', '-']).map(capital).collect::<Vec<String>>().concat()
}

/// One function for each route, in the order of the route table.
///
/// # Errors
/// [`InfraError`].
pub fn functions(root: &Path) -> Result<Vec<Function>, InfraError> {
    let sizing = Sizing::read(root)?;
    let routes =
        || BINARIES.iter().flat_map(|binary| binary.specs.iter().map(move |spec| (binary, spec)));
    if let Some(route) = sizing.names().find(|named| routes().all(|(_, spec)| spec.name != *named))
    {
        return Err(InfraError::NoSuchRoute { route: route.to_owned() });
    }
    let function = |(binary, spec): (&Binary, &RouteSpec)| {
        let by_key = spec.is_idempotent_by_key().then_some(&IdempotencyPorts);
        Ok(Function {
            spec: spec.clone(),
            resource: binary.resource,
            binary: binary.name,
            size: sizing.of(spec.name),
            needs: Needs::of(spec.name, [spec.ports].into_iter().chain(by_key))?,
        })
    };
    routes().map(function).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_hold_letters_alone() {
        assert_eq!(identifier("executor.execute_policy"), "ExecutorExecutePolicy");
        assert_eq!(identifier("policies"), "Policies");
    }
}

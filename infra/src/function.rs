//! The functions: one for each route.

use std::path::Path;

use writ_edge::RouteSpec;
use writ_routes::BINARIES;
use writ_sqs::grants::Queue;

use crate::{InfraError, Needs, Signatures, Size, Sizing, needed_of_queues};

/// A function and everything that its template says of it.
#[derive(Clone, Debug)]
pub struct Function {
    /// The route that it serves.
    pub spec: RouteSpec,
    /// The crate in `functions/` that the route stands in; its stack is named so.
    pub resource: String,
    /// The program that serves it.
    pub binary: &'static str,
    /// What it gets.
    pub size: Size,
    /// What its handler needs.
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

    /// Whether its handler names the port.
    #[must_use]
    pub fn has_port(&self, name: &str) -> bool {
        self.needs.iter().any(|(port, _)| port == name)
    }

    /// Whether it runs or compiles policies.
    #[must_use]
    pub fn has_engine(&self) -> bool {
        self.has_port("Evaluate")
    }

    /// Whether one of its ports touches the queue.
    #[must_use]
    pub fn has_queue(&self, queue: Queue) -> bool {
        needed_of_queues(&self.needs).iter().any(|(on, _)| *on == queue)
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
    let signatures = Signatures::read(root)?;
    let sizing = Sizing::read(root)?;
    let routes =
        || BINARIES.iter().flat_map(|binary| binary.specs.iter().map(|spec| (binary.name, spec)));
    if let Some(route) = sizing.named().find(|named| routes().all(|(_, spec)| spec.name != *named))
    {
        return Err(InfraError::NoSuchRoute { route: route.to_owned() });
    }
    let function = |(binary, spec): (&'static str, &RouteSpec)| {
        Ok(Function {
            spec: spec.clone(),
            resource: signatures.resource(spec.name)?.to_owned(),
            binary,
            size: sizing.of(spec.name),
            needs: signatures.needs(spec.name, spec.is_idempotent_by_key())?,
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

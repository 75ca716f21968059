//! What a function needs: the ports that its route or its program names, and what the table of
//! grants says of them.

use std::collections::BTreeSet;

use writ_grants::{Grant, Queue, Resource};
use writ_ports::{PortKind, PortSet};

use crate::InfraError;

/// Ports, each with what it does to the services of the deployment.
#[derive(Clone, Debug, Default)]
pub struct Needs(Vec<(&'static str, &'static [Grant])>);

impl Needs {
    /// What `function` needs, which has the ports of these sets.
    ///
    /// # Errors
    /// [`InfraError::NoGrants`] for a port that calls a service and has no row in the table of
    /// grants.
    pub fn of(
        function: &str,
        sets: impl IntoIterator<Item = &'static PortSet>,
    ) -> Result<Self, InfraError> {
        let ports = sets.into_iter().flat_map(PortSet::ports);
        let mut needs = ports
            .map(|port| match (&port.kind, writ_grants::of(port.name)) {
                (PortKind::Remote, None) => {
                    Err(InfraError::NoGrants { function: function.to_owned(), port: port.name })
                }
                (PortKind::Remote, Some(grants)) => Ok((port.name, grants)),
                (PortKind::Local | PortKind::Set(_), _) => Ok((port.name, [].as_slice())),
            })
            .collect::<Result<Vec<_>, _>>()?;
        needs.sort_unstable();
        needs.dedup();
        Ok(Self(needs))
    }

    /// The names of the ports, in alphabetical order.
    pub fn ports(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|(port, _)| *port)
    }

    /// Whether the port is among them.
    #[must_use]
    pub fn has_port(&self, port: &PortSet) -> bool {
        self.ports().any(|name| name == port.name)
    }

    /// What the ports need between them.
    #[must_use]
    pub fn grants(&self) -> BTreeSet<Grant> {
        self.0.iter().flat_map(|(_, grants)| grants.iter().copied()).collect()
    }

    /// Whether one of the ports does something to the resource.
    #[must_use]
    pub fn has_resource(&self, resource: Resource) -> bool {
        self.grants().iter().any(|grant| grant.resource == resource)
    }

    /// Whether one of the ports does something to the queue.
    #[must_use]
    pub fn has_queue(&self, queue: Queue) -> bool {
        self.has_resource(Resource::Queue(queue))
    }
}

#[cfg(test)]
mod tests {
    use writ_ports::{Clock, GetPolicy};

    use super::*;

    const UNLISTED: PortSet = PortSet { name: "Unlisted", kind: PortKind::Remote };

    #[test]
    fn a_port_that_calls_a_service_needs_a_row_and_a_local_one_none() {
        let needs = Needs::of("a.b", [&GetPolicy, &Clock, &GetPolicy]).unwrap();
        assert_eq!(needs.ports().collect::<Vec<_>>(), ["Clock", "GetPolicy"]);
        assert_eq!(needs.grants().len(), 1);
        assert!(needs.has_port(&Clock) && !needs.has_queue(Queue::Jobs));
        let error = Needs::of("a.b", [&Clock, &UNLISTED]).unwrap_err().to_string();
        assert!(error.contains("`a.b`") && error.contains("`Unlisted`"), "{error}");
    }
}

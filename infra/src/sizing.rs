//! What each function gets: `infra/sizing.yaml`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::{InfraError, read};

/// The contents of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sizing {
    defaults: Defaults,
    functions: BTreeMap<String, Exception>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Defaults {
    memory_mb: u32,
    timeout_s: u32,
    p99_ms: u32,
}

/// What differs from the defaults.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    memory_mb: Option<u32>,
    timeout_s: Option<u32>,
    p99_ms: Option<u32>,
    reserved: Option<u32>,
}

/// What one function gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Memory in MB; the processor's share follows it.
    pub memory_mb: u32,
    /// When Lambda ends it, in seconds.
    pub timeout_s: u32,
    /// When the alarm on the 99th percentile of its duration rings, in milliseconds.
    pub p99_ms: u32,
    /// Concurrency that it cannot exceed, where the deployment reserves any.
    pub reserved: Option<u32>,
}

impl Sizing {
    /// Reads `infra/sizing.yaml` below `root`.
    ///
    /// # Errors
    /// [`InfraError::File`] and [`InfraError::Sizing`].
    pub fn read(root: &Path) -> Result<Self, InfraError> {
        let text = read(&root.join("infra/sizing.yaml"))?;
        yaml_serde::from_str(&text).map_err(|source| InfraError::Sizing { source })
    }

    /// The routes that differ from the defaults.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.functions.keys().map(String::as_str)
    }

    /// What the route's function gets.
    #[must_use]
    pub fn of(&self, route: &str) -> Size {
        let none = Exception::default();
        let own = self.functions.get(route).unwrap_or(&none);
        Size {
            memory_mb: own.memory_mb.unwrap_or(self.defaults.memory_mb),
            timeout_s: own.timeout_s.unwrap_or(self.defaults.timeout_s),
            p99_ms: own.p99_ms.unwrap_or(self.defaults.p99_ms),
            reserved: own.reserved,
        }
    }
}

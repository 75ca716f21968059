//! The engine of a process that applies schemas and runs no policy.

use std::sync::Arc;

use writ_engine::{Engine, EngineConfig, EngineError};
use writ_model::Workspace;
use writ_model::run::{Document, Failure, Source};
use writ_ports::{EngineMetrics, EngineUsage, ValidateDocuments};

use crate::AsyncEngine;

/// Workers that apply schemas, and nothing else. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AsyncValidator(AsyncEngine);

impl AsyncValidator {
    /// Creates the validator of a process that serves one request at a time and is frozen in between,
    /// like a Lambda function: its zygote is started now.
    ///
    /// # Errors
    /// Returns an error where the host does not permit the sandbox, or the zygote does not start.
    pub fn start_warm(allow_weak_sandbox: bool) -> Result<Self, EngineError> {
        let config = EngineConfig { spares: false, allow_weak_sandbox, ..EngineConfig::default() };
        let engine = Engine::start(config)?;
        engine.warm_schemas()?;
        Ok(Self(AsyncEngine::new(Arc::new(engine))))
    }
}

impl EngineMetrics for AsyncValidator {
    fn engine_use(&self) -> EngineUsage {
        self.0.engine_use()
    }
}

impl ValidateDocuments for AsyncValidator {
    async fn validate_documents(
        &self,
        workspace: &Workspace,
        source: Source,
        documents: Vec<Document>,
    ) -> Result<(), Failure> {
        self.0.validate_documents(workspace, source, documents).await
    }
}

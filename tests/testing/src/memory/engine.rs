//! An engine with scripted answers, and admission.

use writ_model::run::{Budget, Call, CheckReport, Document, FailedRun, Failure, Outcome, Source};
use writ_model::{Error, Language, PolicyUri, Workspace};
use writ_ports::{
    Admission, Admit, EngineMetrics, EngineUsage, Evaluate, Unlimited, ValidateDocuments,
};
use writ_schema::CompiledSchemas;

use super::MemoryPlatform;

/// The engine's answer to one call.
pub type Answer = Result<Outcome, FailedRun>;

impl MemoryPlatform {
    /// Answers the next runs of the policy `uri` with these, one each.
    pub fn script_answers(&self, uri: &str, answers: impl IntoIterator<Item = Answer>) {
        self.tables().answers.entry(uri.to_owned()).or_default().extend(answers);
    }

    /// The runs so far, the oldest first.
    #[must_use]
    pub fn evaluated(&self) -> Vec<Call> {
        self.tables().evaluated.clone()
    }

    /// Refuses admission to every run from now on.
    pub fn refuse_admission(&self, error: Error) {
        self.tables().refusal = Some(error);
    }
}

impl Evaluate for MemoryPlatform {
    async fn check(
        &self,
        _: &Workspace,
        source: Source,
        documents: Vec<Document>,
    ) -> Result<CheckReport, Failure> {
        apply(&source, &documents)?;
        Ok(CheckReport::default())
    }

    /// A run without a scripted answer fails with [`Failure::WorkerLost`]. The schemas are applied to
    /// the call and to the answer, as a worker does.
    async fn evaluate(&self, _: &str, source: Source, call: Call, _: Budget) -> Answer {
        let schemas = CompiledSchemas::compile(&source.schemas, |_| {})?;
        schemas.check_call(&call)?;
        let lost = |reason: String| FailedRun::from(Failure::WorkerLost { reason });
        let mut tables =
            self.enter("evaluate", &call.rule_id).await.map_err(|error| lost(error.message))?;
        let answer = tables.answers.get_mut(&call.rule_id).and_then(|answers| answers.pop_front());
        let answer = answer.ok_or_else(|| lost(format!("no answer for `{}`", call.rule_id)));
        tables.evaluated.push(call.clone());
        let outcome = answer??;
        match schemas.check_output(&call, &outcome.output) {
            Ok(()) => Ok(outcome),
            Err(failure) => Err(FailedRun { failure, printed: outcome.printed }),
        }
    }

    fn version(&self, _: Language) -> &'static str {
        "test 1"
    }
}

/// Applies schemas in this process: those of a test are small.
fn apply(source: &Source, documents: &[Document]) -> Result<(), Failure> {
    CompiledSchemas::compile(&source.schemas, |_| {})?.check_documents(documents, |_| {})
}

impl ValidateDocuments for MemoryPlatform {
    async fn validate_documents(
        &self,
        workspace: &Workspace,
        source: Source,
        documents: Vec<Document>,
    ) -> Result<(), Failure> {
        let entered = self.enter("validate_documents", workspace.as_str()).await;
        drop(entered.map_err(|error| Failure::WorkerLost { reason: error.message })?);
        apply(&source, &documents)
    }
}

impl EngineMetrics for MemoryPlatform {
    fn engine_use(&self) -> EngineUsage {
        EngineUsage::default()
    }
}

impl Admit for MemoryPlatform {
    async fn admit(
        &self,
        workspace: &Workspace,
        identity: &str,
        policy: &PolicyUri,
        execution_id: &str,
    ) -> Result<Admission, Error> {
        let refusal = self.enter("admit", execution_id).await?.refusal.clone();
        match refusal {
            Some(error) => Err(error),
            None => Unlimited.admit(workspace, identity, policy, execution_id).await,
        }
    }

    async fn release(&self, admission: Admission) -> Result<(), Error> {
        drop(self.enter("release", &admission.execution_id).await?);
        Unlimited.release(admission).await
    }
}

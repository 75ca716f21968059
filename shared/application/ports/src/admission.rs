//! Limits: whether a run may start now.

use std::future::Future;

use writ_model::{Error, PolicyUri, Workspace};

/// The answer to one run's request. Dropping it without [`Admit::release`] leaves the slot to
/// expire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// The id of the run; a second request for it gets the same admission.
    pub execution_id: String,
}

/// Rate, concurrency and quota, decided atomically over all scopes that apply.
pub trait Admit: Send + Sync {
    /// Acquires a slot in every scope, or in none.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::Limited`]: which scope refused, and when a slot frees.
    fn admit(
        &self,
        workspace: &Workspace,
        identity: &str,
        policy: &PolicyUri,
        execution_id: &str,
    ) -> impl Future<Output = Result<Admission, Error>> + Send;

    /// Releases the slots of a run.
    ///
    /// # Errors
    /// The store's; the slots then expire by themselves.
    fn release(&self, admission: Admission) -> impl Future<Output = Result<(), Error>> + Send;
}

crate::port!(Admit, local);

/// No limits: every run is admitted at once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unlimited;

impl Admit for Unlimited {
    async fn admit(
        &self,
        _workspace: &Workspace,
        _identity: &str,
        _policy: &PolicyUri,
        execution_id: &str,
    ) -> Result<Admission, Error> {
        Ok(Admission { execution_id: execution_id.to_owned() })
    }

    async fn release(&self, _admission: Admission) -> Result<(), Error> {
        Ok(())
    }
}

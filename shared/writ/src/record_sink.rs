//! The destination of execution records.

use std::fmt;
use std::sync::Arc;

use writ_model::{Error, Execution};

/// Receives the record of every run, as a platform would store it.
///
/// Values that the policy's `metadata.mask` names are masked in the record, while
/// [`Run::execution`](crate::Run) has them. The sink is called once for each run, successful or
/// failed, in the thread of the caller and before the run returns. If it fails, the run returns its
/// error and no output, so that no decision is made without a record. A run that did not start, for
/// example for lack of a free worker, has no record.
///
/// A function or closure `Fn(&Execution) -> Result<(), Error>` is a sink.
///
/// ```standalone_crate
/// use std::sync::{Arc, Mutex};
///
/// use writ::{EngineConfig, Error, ErrorKind, Execution, Policy, RecordSink, Writ};
///
/// /// Keeps the masked inputs in memory, up to a bound.
/// struct BoundedLog(Arc<Mutex<Vec<String>>>);
///
/// impl RecordSink for BoundedLog {
///     fn record(&self, record: &Execution) -> Result<(), Error> {
///         let mut log = self.0.lock().map_err(Error::internal)?;
///         if log.len() == 1 {
///             return Err(Error::new(ErrorKind::Unavailable, "the log is full"));
///         }
///         log.push(record.input_data.as_str().to_owned());
///         Ok(())
///     }
/// }
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     writ::init();
///     let log = Arc::new(Mutex::new(Vec::new()));
///     let writ = Writ::start(EngineConfig::default())?.with_record_sink(BoundedLog(log.clone()));
///     let policy = Policy::from_json(
///         r#"{
///             "name": "known", "version": "1", "release_tag": "x", "code_type": "cel",
///             "code": "input.ip == '10.0.0.1'", "metadata": {"mask": ["/input_data/ip"]}
///         }"#,
///     )?;
///     let run = writ.run(&policy, r#"{"ip":"10.0.0.1"}"#, None)?;
///     assert_eq!(run.execution.input_data.as_str(), r#"{"ip":"10.0.0.1"}"#);
///     assert_eq!(*log.lock().expect("no thread panics"), [r#"{"ip":"**masked**"}"#]);
///     let error = writ.run(&policy, r#"{"ip":"10.0.0.1"}"#, None).unwrap_err();
///     assert_eq!(error.kind, ErrorKind::Unavailable);
///     Ok(())
/// }
/// ```
pub trait RecordSink: Send + Sync {
    /// Stores the record of one run.
    ///
    /// # Errors
    /// The record could not be stored; the run returns this error.
    fn record(&self, record: &Execution) -> Result<(), Error>;
}

impl<F: Fn(&Execution) -> Result<(), Error> + Send + Sync> RecordSink for F {
    fn record(&self, record: &Execution) -> Result<(), Error> {
        self(record)
    }
}

/// A sink that may be absent; records are dropped then.
#[derive(Clone, Default)]
pub(crate) struct OptionalSink(Option<Arc<dyn RecordSink>>);

impl OptionalSink {
    pub(crate) fn new(sink: impl RecordSink + 'static) -> Self {
        Self(Some(Arc::new(sink)))
    }

    pub(crate) fn record(&self, record: &Execution) -> Result<(), Error> {
        self.0.as_ref().map_or(Ok(()), |sink| sink.record(record))
    }
}

impl fmt::Debug for OptionalSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OptionalSink").field(&self.0.is_some()).finish()
    }
}

//! Faults and hooks: what happens to a call before it is served.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::task::Poll;

use writ_model::{Error, ErrorKind};

use super::{MemoryPlatform, Tables};

type Once = Box<dyn FnOnce(&MemoryPlatform) + Send>;
type Each = Arc<dyn Fn(&MemoryPlatform) + Send + Sync>;

enum Run {
    Once(Once),
    Each(Each),
}

/// What a test wants done before a call.
struct Hook {
    call: &'static str,
    /// Only calls about this, as a job's id; `None` for all.
    subject: Option<String>,
    /// Matching calls that pass before the hook runs.
    skip: usize,
    run: Run,
}

impl Hook {
    fn matches(&self, call: &str, subject: &str) -> bool {
        self.call == call && self.subject.as_deref().is_none_or(|own| own == subject)
    }
}

#[derive(Default)]
pub(super) struct Faults {
    is_yielding: bool,
    /// Calls that fail from now on.
    failing: u32,
    /// Calls that always fail, and about which subject alone.
    broken: Vec<(&'static str, Option<String>)>,
    hooks: Vec<Hook>,
    calls: BTreeMap<&'static str, usize>,
}

impl Faults {
    /// The first hook that is due, and one call less to wait for the others.
    fn next_hook(&mut self, call: &str, subject: &str) -> Option<Run> {
        let mut due = None;
        for (position, hook) in self.hooks.iter_mut().enumerate() {
            if !hook.matches(call, subject) {
                continue;
            }
            if hook.skip > 0 {
                hook.skip -= 1;
            } else if due.is_none() {
                due = Some(position);
            }
        }
        let position = due?;
        match &self.hooks[position].run {
            Run::Each(hook) => Some(Run::Each(Arc::clone(hook))),
            Run::Once(_) => Some(self.hooks.remove(position).run),
        }
    }

    fn fails(&mut self, call: &str, subject: &str) -> bool {
        let is_broken = self.broken.iter().any(|(broken, own)| {
            *broken == call && own.as_deref().is_none_or(|own| own == subject)
        });
        let is_failing = self.failing > 0;
        self.failing = self.failing.saturating_sub(1);
        is_broken || is_failing
    }
}

impl MemoryPlatform {
    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next calls of any port fail with [`ErrorKind::Unavailable`], as many as `calls`; 0 ends it.
    pub fn fail_next(&self, calls: u32) {
        self.faults().failing = calls;
    }

    /// Every call of the method `call`, as `notify`, fails from now on.
    pub fn fail_calls(&self, call: &'static str) {
        self.faults().broken.push((call, None));
    }

    /// Every call of the method `call` about `subject`, as a job's id, fails from now on.
    pub fn fail_calls_for(&self, call: &'static str, subject: &str) {
        self.faults().broken.push((call, Some(subject.to_owned())));
    }

    /// Ends every fault; hooks stay.
    pub fn end_faults(&self) {
        let mut faults = self.faults();
        faults.failing = 0;
        faults.broken.clear();
    }

    /// Each call yields once before it is served, so that a test can stop a future at any call.
    pub fn yield_before_calls(&self) {
        self.faults().is_yielding = true;
    }

    /// Runs `hook` right before the next call of the method `call` is served, once. Each call runs
    /// one hook at most: several hooks of a method are for as many calls.
    pub fn before(&self, call: &'static str, hook: impl FnOnce(&Self) + Send + 'static) {
        self.before_nth(call, 1, hook);
    }

    /// As [`MemoryPlatform::before`], for the call of this number from now, from 1.
    pub fn before_nth(
        &self,
        call: &'static str,
        number: usize,
        hook: impl FnOnce(&Self) + Send + 'static,
    ) {
        let run = Run::Once(Box::new(hook));
        self.faults().hooks.push(Hook { call, subject: None, skip: number - 1, run });
    }

    /// As [`MemoryPlatform::before`], for the next call about `subject` alone, as a job's id.
    pub fn before_for(
        &self,
        call: &'static str,
        subject: &str,
        hook: impl FnOnce(&Self) + Send + 'static,
    ) {
        let (subject, run) = (Some(subject.to_owned()), Run::Once(Box::new(hook)));
        self.faults().hooks.push(Hook { call, subject, skip: 0, run });
    }

    /// Runs `hook` right before each call of the method `call` from now on.
    pub fn before_each(&self, call: &'static str, hook: impl Fn(&Self) + Send + Sync + 'static) {
        let run = Run::Each(Arc::new(hook));
        self.faults().hooks.push(Hook { call, subject: None, skip: 0, run });
    }

    /// Calls of the method `call` so far, those that failed included.
    #[must_use]
    pub fn calls(&self, call: &str) -> usize {
        self.faults().calls.get(call).copied().unwrap_or_default()
    }

    /// Counts the call, yields, runs the hook that is due, and fails where a test says so.
    pub(super) async fn enter(
        &self,
        call: &'static str,
        subject: &str,
    ) -> Result<MutexGuard<'_, Tables>, Error> {
        let is_yielding = self.faults().is_yielding;
        if is_yielding {
            yield_once().await;
        }
        *self.faults().calls.entry(call).or_default() += 1;
        self.run_hook(call, subject);
        if self.faults().fails(call, subject) {
            return Err(Error::new(ErrorKind::Unavailable, format!("`{call}` is out of service")));
        }
        Ok(self.tables())
    }

    /// Runs the hook that is due. A hook may call this platform: nothing is locked meanwhile.
    pub(super) fn run_hook(&self, call: &str, subject: &str) {
        let hook = self.faults().next_hook(call, subject);
        match hook {
            Some(Run::Once(hook)) => hook(self),
            Some(Run::Each(hook)) => hook(self),
            None => {}
        }
    }
}

async fn yield_once() {
    let mut is_done = false;
    poll_fn(move |context| {
        if is_done {
            return Poll::Ready(());
        }
        is_done = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Waker};

    use writ_ports::GetToken;

    use super::*;

    fn poll<T>(future: impl Future<Output = T>) -> Poll<T> {
        pin!(future).poll(&mut Context::from_waker(Waker::noop()))
    }

    async fn is_served(platform: &MemoryPlatform, token_id: &str) -> bool {
        platform.get_token(token_id).await.is_ok()
    }

    #[tokio::test]
    async fn calls_fail_as_often_as_they_were_told_to() {
        let platform = MemoryPlatform::default();
        platform.fail_next(2);
        for is_ok in [false, false, true] {
            assert_eq!(is_served(&platform, "a").await, is_ok);
        }
        platform.fail_calls_for("get_token", "a");
        for (token_id, is_ok) in [("a", false), ("a", false), ("b", true)] {
            assert_eq!(is_served(&platform, token_id).await, is_ok);
        }
        platform.fail_calls("get_token");
        assert!(!is_served(&platform, "b").await);
        platform.fail_next(9);
        platform.end_faults();
        assert!(is_served(&platform, "a").await);
        assert_eq!(platform.calls("get_token"), 8);
    }

    #[tokio::test]
    async fn a_hook_runs_at_its_call_and_may_use_the_platform() {
        let platform = MemoryPlatform::default();
        platform.before_nth("get_token", 2, |platform| platform.fail_next(1));
        platform.before_for("get_token", "b", |platform| platform.fail_next(1));
        let mut served = Vec::new();
        for token_id in ["a", "a", "a", "b", "b"] {
            served.push(is_served(&platform, token_id).await);
        }
        assert_eq!(served, [true, false, true, false, true]);
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        platform.before_each("get_token", move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
        });
        for _ in 0..3 {
            is_served(&platform, "a").await;
        }
        assert_eq!(count.load(Ordering::SeqCst), 3);
    }

    #[test]
    fn a_call_is_ready_at_once_unless_it_yields_first() {
        let platform = MemoryPlatform::default();
        assert!(poll(platform.get_token("a")).is_ready());
        platform.yield_before_calls();
        let mut call = pin!(platform.get_token("a"));
        let mut context = Context::from_waker(Waker::noop());
        assert!(call.as_mut().poll(&mut context).is_pending());
        assert!(call.as_mut().poll(&mut context).is_ready());
    }
}

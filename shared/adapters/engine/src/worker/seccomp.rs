//! The system calls that a worker may make: those for memory, time, its socket and its own exit.
//! The filter kills the process at any other one.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

use crate::wire::{MAPS_FD, PAGES_FD, PRINTED_FD, SOCKET_FD};

/// System calls that are allowed with any arguments.
const ALWAYS: &[i64] = &[
    // Memory; `mmap` and `mprotect` follow, without the right to execute.
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    // Time and randomness.
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    // Its own thread, signals and exit; no handlers of signals, which would outlast a run.
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_restart_syscall,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// The filter of the worker with the process number `pid`.
pub(super) fn filter(pid: i32) -> Result<BpfProgram, String> {
    build(pid).map_err(|error| error.to_string())
}

fn build(pid: i32) -> Result<BpfProgram, seccompiler::BackendError> {
    let own = u64::try_from(pid).unwrap_or(u64::MAX);
    let socket = SOCKET_FD.unsigned_abs().into();
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        ALWAYS.iter().map(|call| (*call, Vec::new())).collect();
    let maps = MAPS_FD.unsigned_abs().into();
    rules.insert(libc::SYS_read, vec![first_is(socket)?, first_is(maps)?]);
    let pages = PAGES_FD.unsigned_abs().into();
    rules.insert(libc::SYS_pread64, vec![first_is(pages)?]);
    rules.insert(libc::SYS_close, vec![first_is(maps)?]);
    // 1 is `/dev/null`; 2 is the bounded pipe that a panic writes its message to.
    let printed = PRINTED_FD.unsigned_abs().into();
    let writable = [socket, printed, 2, 1].map(first_is);
    rules.insert(libc::SYS_write, writable.into_iter().collect::<Result<_, _>>()?);
    rules.insert(libc::SYS_mmap, vec![without_exec()?]);
    rules.insert(libc::SYS_mprotect, vec![without_exec()?]);
    // `abort` sends itself SIGABRT.
    rules.insert(libc::SYS_tgkill, vec![first_is(own)?]);
    SeccompFilter::new(
        rules,
        SeccompAction::KillProcess,
        SeccompAction::Allow,
        std::env::consts::ARCH.try_into()?,
    )?
    .try_into()
}

fn first_is(value: u64) -> Result<SeccompRule, seccompiler::BackendError> {
    let condition = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)?;
    SeccompRule::new(vec![condition])
}

fn without_exec() -> Result<SeccompRule, seccompiler::BackendError> {
    let exec = libc::PROT_EXEC.unsigned_abs().into();
    let condition =
        SeccompCondition::new(2, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(exec), 0)?;
    SeccompRule::new(vec![condition])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_builds_for_this_architecture_and_stays_small() {
        let program = filter(1234).unwrap();
        assert!((50..500).contains(&program.len()), "{}", program.len());
    }

    #[test]
    fn nothing_that_reaches_outside_is_on_the_list() {
        let outside = [
            libc::SYS_clone,
            libc::SYS_execve,
            libc::SYS_openat,
            libc::SYS_socket,
            libc::SYS_connect,
            libc::SYS_ptrace,
            libc::SYS_kill,
            libc::SYS_prctl,
            libc::SYS_prlimit64,
            libc::SYS_process_vm_readv,
            libc::SYS_io_uring_setup,
        ];
        assert!(outside.iter().all(|call| !ALWAYS.contains(call)));
    }
}

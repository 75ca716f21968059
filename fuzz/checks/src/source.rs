//! A policy's source text; after a NUL byte its `functionality_data` as JSON.
//!
//! A compiler runs on a thread of its own with the stack of a worker. A source that overflows the
//! stack ends this process, as it would end a worker. Such a source is a finding: a policy's author
//! must get a diagnostic instead.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, OnceLock, PoisonError};

use writ_engine::{CheckReport, Source};
use writ_languages::fuzzing::Compiler;
use writ_model::{Diagnostic, Digest, Language, RawJson};

/// The stack of a worker, in bytes.
const STACK_BYTES: usize = 64 << 20;

type Compiled = Result<CheckReport, Vec<Diagnostic>>;

/// The channels to the thread of a compiler.
struct CompilerThread {
    sources: SyncSender<Source>,
    results: Receiver<Compiled>,
}

/// Compiles the source, twice; a refusal has to say why and where.
///
/// # Panics
/// When a promise is broken: the bytes are a finding.
pub fn check(language: Language, data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == 0);
    let Some(code) = parts.next().and_then(|code| std::str::from_utf8(code).ok()) else { return };
    let functionality_data =
        parts.next().and_then(|rest| RawJson::parse(std::str::from_utf8(rest).ok()?).ok());
    let source = Source {
        language,
        code: code.to_owned(),
        digest: Digest::of(code.as_bytes()),
        functionality_data,
        schemas: Default::default(),
    };
    let first = compile(&source);
    if let Err(diagnostics) = &first {
        assert!(!diagnostics.is_empty(), "a refusal says why");
        for found in diagnostics {
            let prefix = format!("{language}.");
            assert!(found.code.starts_with(&prefix), "{found:?}");
            assert!(!found.message.is_empty(), "{found:?}");
            assert!(found.line != Some(0) && found.column != Some(0), "{found:?}");
        }
    }
    assert_eq!(compile(&source), first, "a source means one thing");
}

fn compile(source: &Source) -> Compiled {
    // A fuzz target uses one language per process; the replay of the corpora uses all of them.
    static THREADS: OnceLock<Mutex<Vec<(Language, CompilerThread)>>> = OnceLock::new();
    let mut threads =
        THREADS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    if threads.iter().all(|(language, _)| *language != source.language) {
        threads.push((source.language, start(source.language)));
    }
    let (_, thread) = threads.iter().find(|(language, _)| *language == source.language).unwrap();
    thread.sources.send(source.clone()).unwrap();
    thread.results.recv().unwrap_or_else(|error| panic!("the compiler has ended: {error}"))
}

fn start(language: Language) -> CompilerThread {
    let (sources, incoming) = sync_channel::<Source>(0);
    let (outgoing, results) = sync_channel(1);
    let serve = move || {
        let mut compiler = Compiler::start(language).unwrap();
        for source in incoming {
            outgoing.send(compiler.compile(&source)).unwrap();
        }
    };
    std::thread::Builder::new().stack_size(STACK_BYTES).spawn(serve).unwrap();
    CompilerThread { sources, results }
}

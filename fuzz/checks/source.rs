//! A policy's source text; after a NUL byte its `functionality_data` as JSON.
//!
//! A compiler lives on a thread of its own with the stack of a worker. A source that overflows it
//! ends this process, as it would end a worker: that is what is looked for, since a policy's author
//! deserves a diagnostic instead.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, OnceLock, PoisonError};

use writ_engine::fuzzing::Compiler;
use writ_engine::{Checked, Source};
use writ_model::{Diagnostic, Digest, Language, RawJson};

/// As much as a worker has.
const STACK_BYTES: usize = 64 << 20;

type Compiled = Result<Checked, Vec<Diagnostic>>;

/// The two ends of a compiler's thread.
struct Shop {
    orders: SyncSender<Source>,
    results: Receiver<Compiled>,
}

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
    // One language per process and run: whichever comes first; a replay asks for each in turn.
    static SHOPS: OnceLock<Mutex<Vec<(Language, Shop)>>> = OnceLock::new();
    let mut shops =
        SHOPS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    if shops.iter().all(|(language, _)| *language != source.language) {
        shops.push((source.language, open(source.language)));
    }
    let (_, shop) = shops.iter().find(|(language, _)| *language == source.language).unwrap();
    shop.orders.send(source.clone()).unwrap();
    shop.results.recv().unwrap_or_else(|error| panic!("the compiler has ended: {error}"))
}

fn open(language: Language) -> Shop {
    let (orders, incoming) = sync_channel::<Source>(0);
    let (outgoing, results) = sync_channel(1);
    let serve = move || {
        let mut compiler = Compiler::start(language).unwrap();
        for source in incoming {
            outgoing.send(compiler.compile(&source)).unwrap();
        }
    };
    std::thread::Builder::new().stack_size(STACK_BYTES).spawn(serve).unwrap();
    Shop { orders, results }
}

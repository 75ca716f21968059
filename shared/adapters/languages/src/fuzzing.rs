//! Entry points for the fuzz targets in `fuzz/` and for the test that replays their corpora: the
//! compilers that untrusted sources reach, without a worker process. Not a public interface.

use writ_model::{Diagnostic, Language};

use crate::{CheckReport, Runtime, Source};

/// A language's compiler in this process. A stack overflow in it ends the process.
pub struct Compiler(Box<dyn Runtime>);

impl Compiler {
    /// Starts the language's runtime, as its zygote does.
    ///
    /// # Errors
    /// What the interpreter's own library raised.
    pub fn start(language: Language) -> Result<Self, String> {
        crate::start(language).map(Self)
    }

    /// Compiles as a worker does, and drops the program.
    ///
    /// # Errors
    /// Every diagnostic of the source.
    pub fn compile(&mut self, source: &Source) -> Result<CheckReport, Vec<Diagnostic>> {
        self.0.compile(source).map(|program| program.checked())
    }
}

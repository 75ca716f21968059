//! The interface between a policy and the platform: memory for the argument, the call, and the
//! location of the output.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec;
use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32;
use core::cell::Cell;
use core::panic::PanicInfo;
use core::slice;

#[link(wasm_import_module = "writ")]
unsafe extern "C" {
    #[link_name = "fail"]
    fn writ_fail(message: *const u8, length: usize) -> !;
}

/// Allocates memory for the argument, which the platform writes.
#[unsafe(no_mangle)]
extern "C" fn writ_alloc(length: usize) -> *mut u8 {
    Box::leak(vec![0; length].into_boxed_slice()).as_mut_ptr()
}

#[unsafe(no_mangle)]
extern "C" fn eval(argument: *const u8, length: usize) -> u64 {
    // SAFETY: the platform has written `length` bytes to memory from `writ_alloc`.
    let argument = unsafe { slice::from_raw_parts(argument, length) };
    match crate::eval(argument) {
        Ok(output) => location(output),
        Err(error) => fail(&error.to_string()),
    }
}

/// The location of the output: its address in the upper half, its length in the lower half.
fn location(output: String) -> u64 {
    let output = output.leak();
    (output.as_ptr() as u64) << 32 | output.len() as u64
}

/// Fails the run with an error message of the policy.
fn fail(message: &str) -> ! {
    // SAFETY: the platform only reads the message.
    unsafe { writ_fail(message.as_ptr(), message.len()) }
}

#[panic_handler]
fn panic_handler(panic: &PanicInfo<'_>) -> ! {
    fail(&panic.to_string())
}

/// A bump allocator. It never frees, because every run has a new memory.
struct Bump {
    next: Cell<usize>,
    end: Cell<usize>,
}

// SAFETY: a WebAssembly instance has a single thread.
unsafe impl Sync for Bump {}

#[global_allocator]
static MEMORY: Bump = Bump { next: Cell::new(0), end: Cell::new(0) };

const PAGE: usize = 65_536;

// SAFETY: each block lies in pages from `memory_grow` and is returned once.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let mut start = self.next.get().next_multiple_of(layout.align());
        if start + layout.size() > self.end.get() {
            let pages = layout.size().div_ceil(PAGE) + 1;
            let before = wasm32::memory_grow::<0>(pages);
            if before == usize::MAX {
                return core::ptr::null_mut();
            }
            start = before * PAGE;
            self.end.set(start + pages * PAGE);
        }
        self.next.set(start + layout.size());
        start as *mut u8
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

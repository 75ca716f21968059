//! All limits of this crate, with their reasons.

/// The maximum depth of a filter, counting objects and lists. Filters written by hand stay under
/// ten; the bound keeps the recursion over a filter far from the end of the stack.
pub const FILTER_DEPTH_MAX: usize = 32;

/// The maximum number of JSON values in a filter, list elements included. Every value may be
/// compared with every document of a page.
pub const FILTER_NODES_MAX: usize = 1000;

/// The maximum number of `$regex` in a filter; with [`REGEX_COMPILED_BYTES_MAX`] it bounds their
/// memory.
pub const FILTER_REGEXES_MAX: usize = 16;

/// The maximum length of one `$regex`, in bytes of its text.
pub const REGEX_TEXT_BYTES_MAX: usize = 4096;

/// The maximum memory of one compiled `$regex`, in bytes; matching takes time in proportion to it.
pub const REGEX_COMPILED_BYTES_MAX: usize = 1 << 20;

/// The maximum number of segments of a dotted path.
pub const PATH_SEGMENTS_MAX: usize = 32;

/// The maximum number of paths in one update, sort or projection.
pub const PATHS_MAX: usize = 1000;

/// The maximum depth of a document after an update. The JSON parser reads 127 levels, and a stored
/// document must still fit inside a response.
pub const DOCUMENT_DEPTH_MAX: usize = 100;

/// The maximum number of missing elements that an update fills with null to reach an array index.
pub const ARRAY_PADDING_MAX: usize = 1000;

/// The maximum number of digits of the result of `$inc`, written without an exponent; enough for
/// any two finite doubles.
pub const NUMBER_DIGITS_MAX: usize = 700;

/// The maximum length of the caller's text that an error repeats, in characters.
pub(crate) const EXCERPT_CHARS_MAX: usize = 60;

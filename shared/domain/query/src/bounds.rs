//! Every limit of this room, with its reason.

/// How deep a filter may nest, counting objects and lists. Filters written by people stay under
/// ten; the bound keeps recursion over a filter far from the stack's end.
pub const FILTER_DEPTH_MAX: usize = 32;

/// How many JSON values a filter may hold, list elements included. Every value may be compared with
/// every document of a page.
pub const FILTER_NODES_MAX: usize = 1000;

/// How many `$regex` a filter may hold; with [`REGEX_COMPILED_BYTES_MAX`] it bounds their memory.
pub const FILTER_REGEXES_MAX: usize = 16;

/// Length of the text of one `$regex`, in bytes.
pub const REGEX_TEXT_BYTES_MAX: usize = 4096;

/// Memory of one compiled `$regex`, in bytes; matching takes time in proportion to it.
pub const REGEX_COMPILED_BYTES_MAX: usize = 1 << 20;

/// How many segments a dotted path may have.
pub const PATH_SEGMENTS_MAX: usize = 32;

/// How many paths one update, sort or projection may name.
pub const PATHS_MAX: usize = 1000;

/// How deep a document may nest after an update. The JSON parser reads 127 levels; a stored
/// document must still fit inside a reply.
pub const DOCUMENT_DEPTH_MAX: usize = 100;

/// How many missing elements an update may fill with null to reach an array index.
pub const ARRAY_PADDING_MAX: usize = 1000;

/// How many digits the result of `$inc` may have when written without an exponent; enough for any
/// two finite doubles.
pub const NUMBER_DIGITS_MAX: usize = 700;

/// How much of the caller's text an error repeats, in characters.
pub(crate) const ECHO_CHARS_MAX: usize = 60;

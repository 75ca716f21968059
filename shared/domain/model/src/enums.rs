//! Closed enums: their variants as an array.

/// The variants of an enum, as `strum::VariantArray` lists them, in an array of `strum::EnumCount`
/// elements.
#[expect(clippy::panic, reason = "evaluated when compiled; both numbers are of one enum")]
pub(crate) const fn to_array<T: Copy, const N: usize>(variants: &[T]) -> [T; N] {
    match variants.first_chunk::<N>() {
        Some(array) => *array,
        None => panic!("an enum has fewer variants than it counts"),
    }
}

//! Objects as YAML.

use serde::Serialize;

pub use serde_saphyr::ser::Error;

/// One YAML document, without `---`.
///
/// # Errors
/// When the value has a shape that YAML cannot hold; no object of an installation has.
pub fn document<T: Serialize>(value: &T) -> Result<String, Error> {
    // Long lines stay whole: folded, an expression or a CA bundle can no longer be searched for.
    let options = serde_saphyr::ser_options! { folded_wrap_chars: usize::MAX };
    serde_saphyr::to_string_with_options(value, options)
}

/// Several YAML documents in one stream.
///
/// # Errors
/// As [`document`].
pub fn stream<T: Serialize>(values: &[T]) -> Result<String, Error> {
    let documents: Result<Vec<String>, _> = values.iter().map(document).collect();
    Ok(documents?.join("---\n"))
}

//! The output formats.

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people: excerpts of the source with the findings in them.
    #[default]
    Human,
    /// For programs; its structure is a promise.
    Json,
}

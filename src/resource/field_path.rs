//! Where in an object a finding is, for people and for JSON Pointers.

use std::fmt;

/// One step into an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Segment {
    /// A field of the Kubernetes schema.
    Field(&'static str),
    /// An element of an array.
    Index(usize),
    /// A key of a map, such as an annotation.
    Key(String),
}

/// A path such as `spec.containers[0].volumeMounts[2]`, written as Kubernetes writes the `field` of a status cause.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldPath {
    segments: Vec<Segment>,
}

impl FieldPath {
    /// The path of the fields in `dotted`, such as `spec.template.spec`.
    #[must_use]
    pub fn of(dotted: &'static str) -> Self {
        let segments = dotted.split('.').filter(|field| !field.is_empty()).map(Segment::Field).collect();
        Self { segments }
    }

    /// This path with the fields of `dotted` added.
    #[must_use]
    pub fn field(mut self, dotted: &'static str) -> Self {
        self.segments.extend(dotted.split('.').map(Segment::Field));
        self
    }

    /// This path with an array index added.
    #[must_use]
    pub fn index(mut self, index: usize) -> Self {
        self.segments.push(Segment::Index(index));
        self
    }

    /// This path with a map key added.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.segments.push(Segment::Key(key.into()));
        self
    }

    /// The steps, outermost first.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The path as a JSON Pointer (RFC 6901).
    #[must_use]
    pub fn pointer(&self) -> String {
        use fmt::Write as _;
        let mut pointer = String::new();
        for segment in &self.segments {
            pointer.push('/');
            match segment {
                Segment::Field(field) => pointer.push_str(field),
                Segment::Index(index) => {
                    let _ = write!(pointer, "{index}");
                }
                Segment::Key(key) => pointer.push_str(&escape_pointer(key)),
            }
        }
        pointer
    }
}

/// One reference token of a JSON Pointer: `~` becomes `~0` and `/` becomes `~1` (RFC 6901, section 3).
#[must_use]
pub fn escape_pointer(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

impl fmt::Display for FieldPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.segments.iter().enumerate() {
            match segment {
                Segment::Field(field) if position == 0 => write!(formatter, "{field}")?,
                Segment::Field(field) => write!(formatter, ".{field}")?,
                Segment::Index(index) => write!(formatter, "[{index}]")?,
                Segment::Key(key) => write!(formatter, "[{key}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::FieldPath;

    #[test]
    fn reads_as_kubernetes_writes_the_field_of_a_cause() {
        let path = FieldPath::of("spec.template.spec").field("containers").index(0).field("volumeMounts").index(2);
        assert_eq!(path.to_string(), "spec.template.spec.containers[0].volumeMounts[2]");
        let key = FieldPath::of("metadata.annotations").key("tokenward.dev/inject");
        assert_eq!(key.to_string(), "metadata.annotations[tokenward.dev/inject]");
    }

    #[test]
    fn escapes_slash_and_tilde_in_a_json_pointer() {
        let path = FieldPath::of("metadata.annotations").key("a/b~c");
        assert_eq!(path.pointer(), "/metadata/annotations/a~1b~0c");
    }
}

//! The names that Kubernetes allows.

/// What a label is, in words.
pub(super) const LABEL: &str =
    "at most 63 lower case letters, digits and -, beginning and ending with a letter or digit";

/// What a subdomain is, in words.
pub(super) const SUBDOMAIN: &str =
    "at most 253 lower case letters, digits, - and ., each part beginning and ending with a letter or digit";

/// Whether `name` is an RFC 1123 label, as the name of a namespace is.
pub(super) fn is_label(name: &str) -> bool {
    name.len() <= 63 && is_part(name)
}

/// Whether `name` is an RFC 1123 subdomain, as the names of Secrets and service accounts are.
pub(crate) fn is_subdomain(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(is_part)
}

fn is_part(part: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    part.bytes().all(is_inner) && !part.is_empty() && !part.starts_with('-') && !part.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::{is_label, is_subdomain};

    #[test]
    fn knows_labels_from_subdomains() {
        assert!(is_label("team-a") && is_label("0") && is_label(&"a".repeat(63)));
        assert!(!is_label("") && !is_label("-a") && !is_label("a.b") && !is_label("A") && !is_label(&"a".repeat(64)));
        assert!(is_subdomain("a.b-c.d") && is_subdomain("a"));
        assert!(
            !is_subdomain("a..b") && !is_subdomain(".a") && !is_subdomain("a_b") && !is_subdomain(&"a".repeat(254))
        );
    }
}

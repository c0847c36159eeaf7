//! How a value of a file is repeated to people.

use std::borrow::Cow;

/// The longest value that a message repeats in full, in characters.
const LONGEST: usize = 60;

/// The shortest run of characters that may be a key, a token or a certificate.
const SHORTEST_SECRET: usize = 32;

/// A value in quotes: on one line, masked where it looks like a secret, and cut where it is long.
pub(super) fn quoted(value: &str) -> String {
    let masked = masked(value);
    let short: String = masked.chars().take(LONGEST).collect();
    let rest = if short.len() < masked.len() { "..." } else { "" };
    format!("{short:?}{rest}")
}

/// A field's name: as it is where it looks like one, else in quotes.
pub(super) fn quoted_unless_plain(name: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/' | b'<');
    if !name.is_empty() && name.len() <= LONGEST && name.bytes().all(is_plain) && !is_secret(name) {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(quoted(name))
    }
}

/// The text with whatever looks like a token or a key replaced, character by character, so that columns stay right.
///
/// A file that was given by mistake may hold one. Names in Kubernetes are lower case and addresses have punctuation, so a long
/// run of base64 in both cases is none.
pub(super) fn masked(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    for run in text.split_inclusive(|character: char| !is_base64(character)) {
        let word = run.trim_end_matches(|character: char| !is_base64(character));
        if is_secret(word) {
            masked.extend(word.chars().map(|_| '*'));
        } else {
            masked.push_str(word);
        }
        masked.push_str(&run[word.len()..]);
    }
    masked
}

fn is_base64(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '+' | '/' | '=' | '-' | '_' | '.')
}

fn is_secret(word: &str) -> bool {
    word.len() >= SHORTEST_SECRET
        && word.bytes().any(|byte| byte.is_ascii_uppercase())
        && word.bytes().any(|byte| byte.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::{masked, quoted};

    #[test]
    fn masks_what_may_be_a_token() {
        let token = "eyJhbGciOiJSUzI1NiIsImtpZCI6IiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJl";
        assert_eq!(masked(&format!("token: {token} # x")), format!("token: {} # x", "*".repeat(token.len())));
    }

    #[test]
    fn leaves_names_and_addresses_alone() {
        for text in
            ["argocd-remote-clusters-of-the-whole-european-region", "https://Vault.example.com/v1/Auth", "spec:"]
        {
            assert_eq!(masked(text), text);
        }
    }

    #[test]
    fn cuts_long_values() {
        assert_eq!(quoted(&"x".repeat(100)), format!("{:?}...", "x".repeat(60)));
    }
}

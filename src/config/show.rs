//! Policies and exceptions, written as documents of a policy file.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use super::documents::API_VERSION;
use crate::policy::{Exception, Policy};

/// The policy as a TokenPolicy that means the same, with nothing left to a default.
#[must_use]
pub fn show_policy(policy: &Policy) -> String {
    written(|yaml| {
        head(yaml, "TokenPolicy", &policy.name)?;
        writeln!(yaml, "  extends: {}", policy.extends)?;
        writeln!(yaml, "  rules:")?;
        let widest = policy.actions().map(|(rule, action)| rule.name.len() + action.as_str().len()).max();
        let width = widest.unwrap_or_default() + ": ".len();
        for (rule, action) in policy.actions() {
            writeln!(yaml, "    {:<width$}  # {} {}", format!("{}: {action}", rule.name), rule.code, rule.looks_at)?;
        }
        writeln!(yaml, "  tokens:")?;
        writeln!(yaml, "    maxExpirationSeconds: {}", policy.tokens.max_expiration_seconds)?;
        let audiences = policy.tokens.allowed_audiences.iter().map(crate::policy::NamePattern::as_str);
        writeln!(yaml, "    allowedAudiences: {}", flow(audiences))?;
        write_inject(yaml, policy)?;
        writeln!(yaml, "  cluster:")?;
        let audiences = policy.cluster.api_audiences.iter().map(String::as_str);
        writeln!(yaml, "    apiAudiences: {}", flow(audiences))?;
        writeln!(yaml, "    extendsTokenExpiration: {}", policy.cluster.extends_token_expiration)
    })
}

fn write_inject(yaml: &mut String, policy: &Policy) -> fmt::Result {
    let inject = &policy.inject;
    let api = &inject.api_token;
    writeln!(yaml, "  inject:")?;
    writeln!(yaml, "    when: {}", inject.when)?;
    let (audience, seconds) = (scalar(&api.audience), api.expiration_seconds);
    writeln!(yaml, "    apiToken: {{audience: {audience}, expirationSeconds: {seconds}}}")?;
    writeln!(yaml, "    tokens:{}", if inject.tokens.is_empty() { " []" } else { "" })?;
    for token in &inject.tokens {
        let (name, audience, seconds) = (scalar(&token.name), scalar(&token.audience), token.expiration_seconds);
        let mount = token.mount;
        writeln!(yaml, "    - {{name: {name}, audience: {audience}, expirationSeconds: {seconds}, mount: {mount}}}")?;
    }
    writeln!(yaml, "    retuneAutomounted: {}", inject.retune_automounted)
}

/// The exception as a TokenException.
#[must_use]
pub fn show_exception(exception: &Exception) -> String {
    written(|yaml| {
        head(yaml, "TokenException", &exception.name)?;
        writeln!(yaml, "  rules: {}", flow(exception.rules.iter().map(|rule| rule.name)))?;
        let fields = [
            ("namespace", exception.namespace.as_str()),
            ("secret", exception.secret.as_str()),
            ("serviceAccount", exception.service_account.as_str()),
            ("reason", &exception.reason),
            ("owner", &exception.owner),
        ];
        for (name, value) in fields {
            writeln!(yaml, "  {name}: {}", scalar(value))?;
        }
        writeln!(yaml, "  expires: {}", exception.expires)
    })
}

fn head(yaml: &mut String, kind: &str, name: &str) -> fmt::Result {
    writeln!(yaml, "apiVersion: {API_VERSION}\nkind: {kind}\nmetadata:\n  name: {}\nspec:", scalar(name))
}

fn flow<'t>(items: impl Iterator<Item = &'t str>) -> String {
    let items: Vec<Cow<'_, str>> = items.map(scalar).collect();
    format!("[{}]", items.join(", "))
}

/// A string can be written to without an error.
fn written(write: impl FnOnce(&mut String) -> fmt::Result) -> String {
    let mut text = String::new();
    let _ = write(&mut text);
    text
}

/// A string as YAML reads it back: without quotes where it cannot be taken for anything else, else as JSON writes it.
pub(super) fn scalar(text: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'/' | b'_' | b'@');
    let begins = text.starts_with(|first: char| first.is_ascii_alphabetic());
    let is_word = matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n" | "null"
    );
    if begins && !is_word && text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let json = serde_json::Value::from(text).to_string();
    Cow::Owned(json.chars().fold(String::with_capacity(json.len()), |mut quoted, character| {
        if is_printable(character) {
            quoted.push(character);
        } else {
            let _ = write!(quoted, "\\u{:04x}", u32::from(character));
        }
        quoted
    }))
}

/// Whether YAML allows the character in a file. What JSON allows besides has at most four hexadecimal digits.
const fn is_printable(character: char) -> bool {
    !matches!(character, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::scalar;

    #[test]
    fn quotes_what_yaml_would_take_for_something_else() {
        for text in ["", "true", "Off", "12", "a: b", "*", "-", "a #b", "https://a", "\"", "a\nb"] {
            assert!(scalar(text).starts_with('"'), "{text}");
        }
        for text in ["team-a", "platform@example.com", "sts.amazonaws.com", "Kept/as_it.is"] {
            assert_eq!(scalar(text), text);
        }
    }

    #[test]
    fn escapes_what_yaml_does_not_print() {
        assert_eq!(scalar("\u{7f}\u{85}\u{2028}\u{feff}\u{1}"), r#""\u007f\u0085\u2028\ufeff\u0001""#);
    }
}

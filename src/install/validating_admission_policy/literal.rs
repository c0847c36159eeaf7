//! Literals of CEL.

use super::ExportError;
use crate::policy::NamePattern;

/// The longest expression that cel-go parses, in characters (`ExpressionSizeCodePointLimit`).
pub(super) const LONGEST: usize = 100_000;

/// A string. What JSON escapes, and how, is also how CEL writes it.
pub(super) fn string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A list of strings.
pub(super) fn strings<'s>(texts: impl IntoIterator<Item = &'s str>) -> String {
    let quoted: Vec<String> = texts.into_iter().map(string).collect();
    format!("[{}]", quoted.join(", "))
}

/// A map whose values are expressions already.
pub(super) fn map<'s>(entries: impl IntoIterator<Item = (&'s str, String)>) -> String {
    let entries: Vec<String> = entries.into_iter().map(|(key, value)| format!("{}: {value}", string(key))).collect();
    format!("{{{}}}", entries.join(", "))
}

/// The regular expression that matches what the pattern matches, as a whole.
///
/// A glob is compiled to a regular expression over bytes anyway, and this is that one: of ASCII alone it means the same to the
/// RE2 of CEL. Of characters beyond it `?` and `[…]` take one where the glob takes a byte, so whoever matches names that can have
/// some must keep them out.
///
/// # Errors
/// When a glob has such characters itself.
pub(super) fn regex(pattern: &NamePattern) -> Result<String, ExportError> {
    match pattern {
        NamePattern::Any => Ok("^.*$".to_owned()),
        // Only names of objects get here, in which nothing else has a meaning.
        NamePattern::Exact(name) => Ok(format!("^{}$", name.replace('.', "[.]"))),
        NamePattern::Glob(glob) if glob.glob().glob().is_ascii() => {
            let regex = glob.glob().regex();
            Ok(format!("(?s){}", regex.strip_prefix("(?-u)").unwrap_or(regex)))
        }
        NamePattern::Glob(glob) => Err(ExportError::GlobBeyondAscii(glob.glob().glob().to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::{regex, string, strings};
    use crate::policy::NamePattern;

    #[test]
    fn quotes_what_would_end_a_string_or_a_line() {
        assert_eq!(string(r#"a"b\c"#), r#""a\"b\\c""#);
        assert_eq!(string("a\nb"), r#""a\nb""#);
        assert_eq!(strings(["", "sts"]), r#"["", "sts"]"#);
        assert_eq!(strings([]), "[]");
    }

    #[test]
    fn a_glob_is_the_expression_that_it_is_compiled_to() {
        let of = |pattern: &str| regex(&NamePattern::parse(pattern).unwrap());
        assert_eq!(of("argocd-manager-*").unwrap(), r"(?s)^argocd\-manager\-.*$");
        assert_eq!(of("team-[abc].{x,y}?").unwrap(), r"(?s)^team\-[abc]\.(?:y|x).$".replace("y|x", "x|y"));
        assert_eq!(of("a.b").unwrap(), "^a[.]b$");
        assert_eq!(of("*").unwrap(), "^.*$");
        assert!(of("caf\u{e9}-*").is_err());
    }
}

//! A value in YAML that is easy on the eye: on one line where it fits, otherwise one line for each field.

use serde_json::{Map, Value};

/// The lines of `value`, each at most `width` characters where that is possible.
pub(super) fn lines(value: &Value, width: usize) -> Vec<String> {
    let flow = flow(value);
    if flow.chars().count() <= width || is_scalar(value) { vec![flow] } else { block(value, width) }
}

/// One line for each field or element.
fn block(value: &Value, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    match value {
        Value::Object(fields) => {
            for (key, value) in ordered(fields) {
                entry(&mut lines, key, value, width);
            }
        }
        Value::Array(elements) => {
            for element in elements {
                indented(&mut lines, "- ", "  ", element_lines(element, width.saturating_sub(2)));
            }
        }
        _ => {}
    }
    lines
}

fn entry(lines: &mut Vec<String>, key: &str, value: &Value, width: usize) {
    let start = format!("{}: ", scalar(&Value::from(key)));
    let flow = flow(value);
    if is_scalar(value) || start.len() + flow.chars().count() <= width {
        lines.push(format!("{start}{flow}"));
        return;
    }
    lines.push(start.trim_end().to_owned());
    let indent = if value.is_array() { "" } else { "  " };
    indented(lines, indent, indent, block(value, width.saturating_sub(indent.len())));
}

/// An element of a list. A mapping is written out: the dash shows where it begins.
fn element_lines(value: &Value, width: usize) -> Vec<String> {
    if value.as_object().is_some_and(|fields| !fields.is_empty()) { block(value, width) } else { lines(value, width) }
}

fn indented(lines: &mut Vec<String>, first: &str, others: &str, block: Vec<String>) {
    for (index, line) in block.into_iter().enumerate() {
        lines.push(format!("{}{line}", if index == 0 { first } else { others }));
    }
}

/// The value on one line.
pub(super) fn flow(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: Vec<String> = ordered(fields)
                .map(|(key, value)| format!("{}: {}", scalar(&Value::from(key.as_str())), flow(value)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
        Value::Array(elements) => format!("[{}]", elements.iter().map(flow).collect::<Vec<_>>().join(", ")),
        value => scalar(value),
    }
}

const fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::Object(_) | Value::Array(_))
}

/// The name first, as people write it.
fn ordered(fields: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    let (names, others): (Vec<_>, Vec<_>) = fields.iter().partition(|(key, _)| *key == "name");
    names.into_iter().chain(others)
}

/// A string without quotes where it stays a string.
fn scalar(value: &Value) -> String {
    let Value::String(text) = value else { return value.to_string() };
    let is_plain = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && text.chars().all(|character| character.is_ascii_alphanumeric() || "-_./".contains(character))
        && !["true", "false", "yes", "no", "on", "off", "null", "y", "n"].contains(&text.to_ascii_lowercase().as_str());
    if is_plain { text.clone() } else { value.to_string() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::lines;

    #[test]
    fn writes_on_one_line_what_fits_there() {
        let value = json!({"name": "v", "projected": {"defaultMode": 420, "sources": [{"token": {"path": "token"}}]}});
        assert_eq!(lines(&value, 80), ["{name: v, projected: {defaultMode: 420, sources: [{token: {path: token}}]}}"]);
        assert_eq!(
            lines(&json!([value]), 40).join("\n"),
            "- name: v\n  projected:\n    defaultMode: 420\n    sources: [{token: {path: token}}]"
        );
        assert_eq!(
            lines(&json!([value]), 32).join("\n"),
            "- name: v\n  projected:\n    defaultMode: 420\n    sources:\n    - token: {path: token}"
        );
    }

    #[test]
    fn quotes_what_would_not_stay_a_string() {
        assert_eq!(
            lines(&json!(["a", "true", "1", "", "a: b", 1, true]), 80),
            [r#"[a, "true", "1", "", "a: b", 1, true]"#]
        );
    }
}

//! Two states of an object as lines of YAML: what was added, and where it belongs.

use serde_json::{Map, Value};

use crate::report::{ChangedLine, LineKind};

/// The lines in which `after` differs from `before`, each under the keys that lead to it.
pub(super) fn lines(before: &Value, after: &Value) -> Vec<ChangedLine> {
    let mut lines = Lines { lines: Vec::new() };
    lines.difference(before, after, "", "");
    lines.lines
}

struct Lines {
    lines: Vec<ChangedLine>,
}

impl Lines {
    /// `lead` is what the first line begins with, `indent` what the others do.
    fn difference(&mut self, before: &Value, after: &Value, lead: &str, indent: &str) {
        match (before, after) {
            (Value::Object(before), Value::Object(after)) => self.mapping(before, after, lead, indent),
            (Value::Array(before), Value::Array(after)) => {
                for (index, after) in after.iter().enumerate() {
                    match before.get(index) {
                        Some(before) if before == after => {}
                        Some(before) => self.difference(before, after, &format!("{indent}- "), &format!("{indent}  ")),
                        None => self.whole(LineKind::Added, after, &format!("{indent}- "), &format!("{indent}  ")),
                    }
                }
            }
            _ => {
                self.push(LineKind::Removed, format!("{lead}{}", old_scalar(before)));
                self.push(LineKind::Added, format!("{lead}{}", scalar(after)));
            }
        }
    }

    fn mapping(&mut self, before: &Map<String, Value>, after: &Map<String, Value>, lead: &str, indent: &str) {
        let mut lead = lead.to_owned();
        if lead != indent
            && let Some(name) = after.get("name").filter(|name| before.get("name") == Some(*name))
        {
            self.push(LineKind::Context, format!("{lead}name: {}", scalar(name)));
            indent.clone_into(&mut lead);
        }
        for (key, after) in ordered(after) {
            let start = std::mem::replace(&mut lead, indent.to_owned());
            match before.get(key) {
                Some(before) if before == after => lead = start,
                Some(before) if is_collection(before) && is_collection(after) => {
                    self.push(LineKind::Context, format!("{start}{}:", text(key)));
                    self.nested(|lines, indent| lines.difference(before, after, indent, indent), after, indent);
                }
                Some(before) => self.difference(before, after, &format!("{start}{}: ", text(key)), indent),
                None => self.entry(LineKind::Added, key, after, &start, indent),
            }
        }
    }

    fn whole(&mut self, kind: LineKind, value: &Value, lead: &str, indent: &str) {
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                let mut lead = lead;
                for (key, value) in ordered(fields) {
                    self.entry(kind, key, value, lead, indent);
                    lead = indent;
                }
            }
            Value::Array(elements) if !elements.is_empty() => {
                for element in elements {
                    self.whole(kind, element, &format!("{indent}- "), &format!("{indent}  "));
                }
            }
            value => self.push(kind, format!("{lead}{}", scalar(value))),
        }
    }

    fn entry(&mut self, kind: LineKind, key: &str, value: &Value, lead: &str, indent: &str) {
        let is_empty = value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty);
        if is_collection(value) && !is_empty {
            self.push(kind, format!("{lead}{}:", text(key)));
            self.nested(|lines, indent| lines.whole(kind, value, indent, indent), value, indent);
        } else {
            self.push(kind, format!("{lead}{}: {}", text(key), scalar(value)));
        }
    }

    /// Sequences stand below their key without further indentation, as in most manifests.
    fn nested(&mut self, write: impl FnOnce(&mut Self, &str), value: &Value, indent: &str) {
        if value.is_array() { write(self, indent) } else { write(self, &format!("{indent}  ")) }
    }

    fn push(&mut self, kind: LineKind, text: String) {
        self.lines.push(ChangedLine { kind, text });
    }
}

/// The name first, as people write it.
fn ordered(fields: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    let (names, others): (Vec<_>, Vec<_>) = fields.iter().partition(|(key, _)| *key == "name");
    names.into_iter().chain(others)
}

const fn is_collection(value: &Value) -> bool {
    matches!(value, Value::Object(_) | Value::Array(_))
}

/// Of what goes, only numbers and truth values are shown: it is the user's.
fn old_scalar(value: &Value) -> String {
    match value {
        Value::Number(_) | Value::Bool(_) | Value::Null => value.to_string(),
        _ => "...".to_owned(),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(value) => text(value),
        value => value.to_string(),
    }
}

/// A string in YAML: plain where it reads back as the same string.
fn text(value: &str) -> String {
    let is_plain = value.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && value.chars().all(|character| character.is_ascii_alphanumeric() || "-_./:".contains(character))
        && !value.ends_with(':')
        && !["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
            .contains(&value.to_ascii_lowercase().as_str());
    if is_plain { value.to_owned() } else { Value::from(value).to_string() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::lines;
    use crate::report::LineKind;

    #[test]
    fn shows_what_is_added_under_the_keys_that_lead_there() {
        let before = json!({
            "metadata": {"name": "web"},
            "spec": {"containers": [{"name": "app", "image": "a"}, {"name": "log", "image": "b"}], "x": {"seconds": 3607}}
        });
        let mut after = before.clone();
        after["metadata"]["annotations"] = json!({"tokenward.dev/injected": "baseline"});
        after["spec"]["containers"][1]["volumeMounts"] = json!([{"mountPath": "/p", "name": "t", "readOnly": true}]);
        after["spec"]["volumes"] = json!([{"name": "t", "projected": {"defaultMode": 420, "sources": [{"a": {}}]}}]);
        after["spec"]["x"]["seconds"] = json!(3600);
        let text: Vec<String> = lines(&before, &after)
            .into_iter()
            .map(|line| {
                let sign = match line.kind {
                    LineKind::Context => ' ',
                    LineKind::Added => '+',
                    LineKind::Removed => '-',
                };
                format!("{sign} {}", line.text)
            })
            .collect();
        let expected = "  metadata:
+   annotations:
+     tokenward.dev/injected: baseline
  spec:
    containers:
    - name: log
+     volumeMounts:
+     - name: t
+       mountPath: /p
+       readOnly: true
+   volumes:
+   - name: t
+     projected:
+       defaultMode: 420
+       sources:
+       - a: {}
    x:
-     seconds: 3607
+     seconds: 3600";
        assert_eq!(text.join("\n"), expected);
    }
}

//! Generated objects, and the ways to write them.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

pub(super) type Generator = BoxedStrategy<Value>;

/// Chooses where the bytes of a review may differ and its meaning may not.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number below `sides` (xorshift64*).
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40).expect("24 bits") % sides
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.roll(last + 1));
        }
    }
}

/// Writes JSON with its keys in some order, some characters escaped that need not be, and some white space.
pub(crate) fn write(value: &Value, dice: &mut Dice) -> String {
    let space = ["", "", "", " ", "\n\t"][dice.roll(5)];
    let text = match value {
        Value::Object(members) => {
            let mut members: Vec<String> = members
                .iter()
                .map(|(key, value)| format!("{}:{}", write_string(key, dice), write(value, dice)))
                .collect();
            dice.shuffle(&mut members);
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| write(item, dice)).collect();
            format!("[{}]", items.join(","))
        }
        Value::String(text) => write_string(text, dice),
        other => other.to_string(),
    };
    format!("{space}{text}{space}")
}

fn write_string(text: &str, dice: &mut Dice) -> String {
    if dice.roll(3) > 0 {
        return json!(text).to_string();
    }
    let mut written = String::from('"');
    for character in text.chars() {
        if dice.roll(4) == 0 {
            written.extend(character.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            let quoted = json!(character).to_string();
            written.push_str(&quoted[1..quoted.len() - 1]);
        }
    }
    written + "\""
}

pub(super) fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z][a-z0-9-]{0,12}",
        1 => Just(String::new()),
        1 => "\\PC{0,10}",
        1 => "[\"\\\\/\n\t\u{1}\u{7f}é😀a]{0,8}",
        1 => "[a-z.\"é]{120,140}",
    ]
}

pub(super) fn text() -> Generator {
    words().prop_map(Value::from).boxed()
}

pub(super) fn boolean() -> Generator {
    any::<bool>().prop_map(Value::from).boxed()
}

fn mode() -> Generator {
    any::<i32>().prop_map(Value::from).boxed()
}

pub(super) fn seconds() -> Generator {
    prop_oneof![any::<i64>(), Just(3607), Just(0)].prop_map(Value::from).boxed()
}

pub(super) fn list(item: Generator) -> Generator {
    vec(item, 0..4).prop_map(Value::from).boxed()
}

pub(super) fn map(value: Generator) -> Generator {
    prop_oneof![9 => vec((words(), value.clone()), 0..4), 1 => vec((words(), value), 17..24)]
        .prop_map(|entries| Value::Object(entries.into_iter().collect()))
        .boxed()
}

/// An object of which each field is missing, null or generated, and which may have one that nobody knows.
pub(super) fn object<const N: usize>(fields: [(&'static str, Generator); N]) -> Generator {
    let fields: Vec<_> = fields.into_iter().map(|(name, value)| (Just(name), 0..12, value)).collect();
    let unknown = select(&["", "", "", "futureField", "Name", "metadata.name"]);
    (fields, unknown)
        .prop_map(|(fields, unknown)| {
            let mut members = Map::new();
            for (name, presence, value) in fields {
                match presence {
                    0 => drop(members.insert(name.to_owned(), Value::Null)),
                    1 | 2 => {}
                    _ => drop(members.insert(name.to_owned(), value)),
                }
            }
            if !unknown.is_empty() {
                members.insert(unknown.to_owned(), json!({"deep": [null, {"name": "x\\\""}, 1.5e3, -0.0, true]}));
            }
            Value::Object(members)
        })
        .boxed()
}

pub(super) fn metadata() -> Generator {
    object([
        ("name", text()),
        ("generateName", text()),
        ("namespace", text()),
        ("deletionTimestamp", Just(json!("2026-11-23T12:00:00Z")).boxed()),
        ("labels", map(text())),
        ("annotations", map(text())),
        ("generation", seconds()),
    ])
}

pub(super) fn reference() -> Generator {
    object([("name", text())])
}

fn env() -> Generator {
    let key = object([("name", text()), ("key", text()), ("optional", boolean())]);
    let from = object([("secretKeyRef", key.clone()), ("configMapKeyRef", key)]);
    object([("name", text()), ("value", text()), ("valueFrom", from)])
}

fn container() -> Generator {
    let mount = object([
        ("name", text()),
        ("mountPath", text()),
        ("subPath", text()),
        ("subPathExpr", text()),
        ("readOnly", boolean()),
    ]);
    let env_from = object([("prefix", text()), ("secretRef", reference()), ("configMapRef", reference())]);
    object([
        ("name", text()),
        ("image", text()),
        ("command", list(text())),
        ("args", list(text())),
        ("volumeMounts", list(mount)),
        ("volumeDevices", list(object([("name", text()), ("devicePath", text())]))),
        ("env", list(env())),
        ("envFrom", list(env_from)),
    ])
}

fn projected_source() -> Generator {
    let key = object([("key", text()), ("path", text()), ("mode", mode())]);
    let items = object([("name", text()), ("items", list(key)), ("optional", boolean())]);
    let field = object([("apiVersion", text()), ("fieldPath", text())]);
    let file = object([("path", text()), ("fieldRef", field), ("mode", mode())]);
    let token = object([("audience", text()), ("expirationSeconds", seconds()), ("path", text())]);
    object([
        ("serviceAccountToken", token),
        ("secret", items.clone()),
        ("configMap", items),
        ("downwardAPI", object([("items", list(file))])),
        ("clusterTrustBundle", object([("name", text()), ("path", text())])),
    ])
}

fn volume() -> Generator {
    let key = prop_oneof![text(), Just(json!("token"))].boxed();
    let item = object([("key", key), ("path", text()), ("mode", mode())]);
    let secret_ref = || object([("secretRef", reference()), ("fsType", text())]);
    object([
        ("name", text()),
        ("projected", object([("defaultMode", mode()), ("sources", list(projected_source()))])),
        ("secret", object([("secretName", text()), ("items", list(item)), ("defaultMode", mode())])),
        ("azureFile", object([("secretName", text()), ("shareName", text())])),
        ("csi", object([("driver", text()), ("nodePublishSecretRef", reference())])),
        ("cephfs", secret_ref()),
        ("cinder", secret_ref()),
        ("flexVolume", secret_ref()),
        ("iscsi", secret_ref()),
        ("rbd", secret_ref()),
        ("scaleIO", secret_ref()),
        ("storageos", secret_ref()),
    ])
}

pub(super) fn pod_fields() -> Generator {
    let spec = object([
        ("serviceAccountName", text()),
        ("serviceAccount", text()),
        ("automountServiceAccountToken", boolean()),
        ("volumes", list(volume())),
        ("initContainers", list(container())),
        ("containers", list(container())),
        ("ephemeralContainers", list(container())),
        ("imagePullSecrets", list(reference())),
        ("nodeName", text()),
    ]);
    object([("metadata", metadata()), ("spec", spec)])
}

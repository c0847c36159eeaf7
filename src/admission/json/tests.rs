//! `serde_json` is the oracle: what it takes and refuses, and the values that it reads.

use proptest::prelude::*;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::reader::DEEPEST;
use super::{Error, Reader};

fn read<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Error> {
    let mut reader = Reader::new(text);
    let value = reader.value()?;
    reader.end()?;
    Ok(value)
}

fn skip(text: &str) -> Result<(), Error> {
    let mut reader = Reader::new(text);
    reader.skip()?;
    reader.end()
}

fn refusal<'de, T: Deserialize<'de> + std::fmt::Debug>(text: &'de str) -> String {
    read::<T>(text).unwrap_err().describe(text)
}

fn nested(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Thing {
    name: String,
    count: i32,
    flag: bool,
    items: Vec<Thing>,
}

/// JSON with all kinds of values, and characters that need escapes.
fn value() -> impl Strategy<Value = Value> {
    let text = "[a-z\"\\\\\u{0}\n\té€😀]{0,12}";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1000i32..1000).prop_map(|number| Value::from(f64::from(number) / 8.0)),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(text, inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// The text with a few characters replaced, removed or added.
fn damaged() -> impl Strategy<Value = String> {
    let change = (any::<prop::sample::Index>(), 0..3, r#"[\[\]{},:"\\0-9eE+.tnu \n-]"#);
    (value(), any::<bool>(), prop::collection::vec(change, 0..4)).prop_map(|(value, pretty, changes)| {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        let mut characters: Vec<char> = text.unwrap().chars().collect();
        for (index, how, with) in changes {
            let at = index.index(characters.len().max(1));
            let removed = usize::from(how < 2 && at < characters.len());
            let added = with.chars().next().filter(|_| how > 0);
            characters.splice(at..at + removed, added);
        }
        characters.into_iter().collect()
    })
}

proptest! {
    #[test]
    fn reads_what_serde_json_reads(value in value()) {
        for text in [serde_json::to_string(&value).unwrap(), serde_json::to_string_pretty(&value).unwrap()] {
            prop_assert_eq!(&read::<Value>(&text).unwrap(), &value);
        }
    }

    #[test]
    fn takes_and_refuses_what_serde_json_does(text in damaged()) {
        prop_assert_eq!(read::<Value>(&text).is_ok(), serde_json::from_str::<Value>(&text).is_ok());
        prop_assert_eq!(skip(&text).is_ok(), serde_json::from_str::<IgnoredAny>(&text).is_ok());
    }

    #[test]
    fn takes_no_text_apart(text in "\\PC{0,40}") {
        prop_assert_eq!(read::<Value>(&text).is_ok(), serde_json::from_str::<Value>(&text).is_ok());
    }
}

#[test]
fn refuses_what_json_does_not_have() {
    for text in [
        "",
        " ",
        "{",
        "[",
        "\"",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "[1",
        "[1,",
        "[1,]",
        "{\"a\":1,}",
        "{,}",
        "[,1]",
        "[1 2]",
        "{\"a\" 1}",
        "{1:2}",
        "{a:1}",
        "{'a':1}",
        "tru",
        "nul",
        "True",
        "NaN",
        "Infinity",
        "-",
        "+1",
        "01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "0x1",
        "--1",
        "1 2",
        "[] []",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"a\nb\"",
        "\"\u{1}\"",
        "[1}",
        "{\"a\":1]",
        "\u{feff}{}",
        "// comment\n{}",
        "{\"a\":1}x",
        "[1]\u{0}",
        "]",
        "}",
        ",",
        ":",
    ] {
        assert!(skip(text).is_err(), "{text:?} is passed over");
        assert!(read::<Value>(text).is_err(), "{text:?} is read");
        assert!(serde_json::from_str::<IgnoredAny>(text).is_err(), "serde_json takes {text:?}");
    }
}

#[test]
fn a_string_is_borrowed_unless_it_has_escapes() {
    assert_eq!(
        read::<&str>(r#""plain é text of more than eight bytes""#).unwrap(),
        "plain é text of more than eight bytes"
    );
    assert_eq!(read::<String>(r#""\"\\\/\b\f\n\r\té😀 and more""#).unwrap(), "\"\\/\u{8}\u{c}\n\r\té😀 and more");
    assert_eq!(read::<String>(r#""\u00E9\ud83d\uDE00""#).unwrap(), "é😀");
    assert!(read::<&str>(r#""\n""#).is_err(), "an unescaped string is owned");
}

#[test]
fn a_surrogate_without_its_pair_is_refused_where_it_is_read() {
    for text in [r#""\ud800""#, r#""\udc00""#, r#""\ud800\ud800""#, r#""\ud800x""#, r#""\ud800\n""#, r#""\ud800A""#] {
        assert!(read::<String>(text).is_err(), "{text}");
        assert!(serde_json::from_str::<String>(text).is_err(), "serde_json takes {text}");
    }
}

#[test]
fn every_byte_ends_a_plain_run_where_it_should() {
    for special in (0..0x20).chain([b'"', b'\\']) {
        for before in 0..20 {
            let text = format!("\"{}{}", "a".repeat(before), char::from(special));
            let whole = format!("{text}\"");
            let expected = serde_json::from_str::<Value>(&whole).is_ok();
            assert_eq!(read::<Value>(&whole).is_ok(), expected, "{whole:?}");
            assert_eq!(skip(&text).is_ok(), special == b'"', "{text:?}");
        }
    }
}

#[test]
fn one_hundred_and_twenty_eight_levels_are_the_most() {
    let deepest = nested(usize::from(DEEPEST));
    assert!(skip(&deepest).is_ok());
    assert!(read::<Value>(&deepest).is_ok());
    for levels in [usize::from(DEEPEST) + 1, 200, 100_000] {
        assert!(skip(&nested(levels)).unwrap_err().is_too_deep(), "{levels} levels are passed over");
        assert!(read::<Value>(&nested(levels)).unwrap_err().is_too_deep(), "{levels} levels are read");
    }
}

#[test]
fn levels_add_up_through_what_is_read_and_what_is_not() {
    let text = |levels| format!(r#"{{"items":[{{"unknown":{},"name":"a"}},{{"unknown":[[]]}}]}}"#, nested(levels));
    assert_eq!(read::<Thing>(&text(125)).unwrap().items[0].name, "a");
    let error = read::<Thing>(&text(126)).unwrap_err();
    assert!(error.is_too_deep(), "{error}");
}

#[test]
fn siblings_do_not_add_up() {
    let many = format!("[{}[]]", "[[]],".repeat(1000));
    assert!(skip(&many).is_ok());
    assert!(read::<Value>(&many).is_ok());
}

#[test]
fn null_is_the_zero_value() {
    let thing: Thing = read(r#"{"name":null,"count":null,"flag":null,"items":[null]}"#).unwrap();
    assert_eq!((&*thing.name, thing.count, thing.flag), ("", 0, false));
    assert_eq!(thing.items[0].name, "");
}

#[test]
fn a_struct_is_no_array() {
    assert_eq!(refusal::<Thing>(r#"["a",1]"#), "expected an object, found an array at line 1 column 1");
    assert!(serde_json::from_str::<Thing>(r#"["a",1,true,[]]"#).is_ok(), "serde_json would take it");
}

#[test]
fn an_error_names_the_field_and_the_place_and_repeats_nothing() {
    let text = "{\"items\":[{},\n {\"name\":\"hidden\",\"count\":\"hidden\"}]}";
    assert_eq!(refusal::<Thing>(text), "items[1].count: expected a whole number, found a string at line 2 column 27");
    let text = r#"{"flag":"hidden"}"#;
    assert_eq!(refusal::<Thing>(text), "flag: expected true or false, found a string at line 1 column 9");
    let text = r#"{"count":5000000000}"#;
    assert_eq!(
        refusal::<Thing>(text),
        "count: expected another value, found a number that does not fit at line 1 column 20"
    );
    let text = r#"{"name":"a","flag":true,"name":"hidden"}"#;
    assert_eq!(refusal::<Thing>(text), "name: given twice at line 1 column 32");
    let text = r#"{"items":[{"name":"#;
    assert_eq!(refusal::<Thing>(text), "items[0].name: the text ends too early at line 1 column 19");
    let text = r#"{"items":[{"name":hidden}]}"#;
    assert_eq!(refusal::<Thing>(text), "items[0].name: this is not JSON at line 1 column 19");
}

#[test]
fn a_whole_number_is_no_fraction_and_no_power() {
    for text in ["1.0", "1e3", "1.5", "9223372036854775808", "1e400"] {
        assert!(read::<i64>(text).is_err(), "{text}");
    }
    assert_eq!(read::<i64>("-9223372036854775808").unwrap(), i64::MIN);
}
